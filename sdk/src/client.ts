/** The client: the API's resources, laid out as its URLs. */
import { Audio } from './resources/audio.ts'
import { ChatCompletions } from './resources/chat-completions.ts'
import { Checkpoints } from './resources/checkpoints.ts'
import { Files } from './resources/files.ts'
import { Models } from './resources/models.ts'
import { NgramModels } from './resources/ngram-models.ts'
import { Uploads } from './resources/uploads.ts'
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
  readonly audio: Audio
  readonly checkpoints: Checkpoints
  readonly files: Files
  readonly models: Models
  readonly ngramModels: NgramModels
  readonly uploads: Uploads

  constructor(options: ClientOptions = {}) {
    const transport = new Transport(options)
    this.chat = { completions: new ChatCompletions(transport) }
    this.audio = new Audio(transport)
    this.checkpoints = new Checkpoints(transport)
    this.files = new Files(transport)
    this.models = new Models(transport)
    this.ngramModels = new NgramModels(transport)
    this.uploads = new Uploads(transport)
  }
}
