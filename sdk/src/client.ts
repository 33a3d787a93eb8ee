/** The client: the API's resources, laid out as its URLs. */
import { ChatCompletions } from './resources/chat-completions.ts'
import { Models } from './resources/models.ts'
import { type ClientOptions, Transport } from './transport.ts'

/**
 * A client of one server.
 * @example
 * const client = new Auricle({ baseUrl: 'http://127.0.0.1:8080' })
 * const answer = await client.chat.completions.create({
 *   model: 'pocket',
 *   messages: [{ role: 'user', content: [{ type: 'audio', audio: 'call.wav' }, { type: 'text', text: 'Who calls?' }] }],
 * })
 */
export class Auricle {
  readonly chat: { readonly completions: ChatCompletions }
  readonly models: Models

  constructor(options: ClientOptions = {}) {
    const transport = new Transport(options)
    this.chat = { completions: new ChatCompletions(transport) }
    this.models = new Models(transport)
  }
}
