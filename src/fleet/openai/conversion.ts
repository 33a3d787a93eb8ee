/** A request in the words of another server of OpenAI's wire, and the way back. */
import type { AudioCoverage } from '../../protocol/chat-completions.ts'
import { ApiError } from '../../protocol/errors.ts'
import { parseChatCompletionRequest } from '../../protocol/parse-chat-completion.ts'
import { parseJson } from '../../protocol/read-body.ts'
import type { ForwardedRequest } from '../forwarded-request.ts'
import type { WorkerResponse } from '../worker-fetch.ts'
import { EventRewriter, jsonType, normalize } from './answers.ts'
import type { AudioContext } from './audio-parts.ts'
import { toChatCompletion, toChunk, toUpstreamChat } from './chat.ts'
import { readForm, transcribeByChat, transcribeThere } from './transcription.ts'

export interface Conversion {
  path: string
  body: string | FormData
  /** Null where the body brings its own. */
  contentType: string | null
  /** What is sent along, for the answer's headers. */
  audio: readonly AudioCoverage[]
  /** Makes a whole answer ours. */
  normalize(response: WorkerResponse): Promise<Response>
  /** Makes an event of a stream ours: any number of events, none among them. */
  rewriteEvent(event: Uint8Array): Uint8Array
}

/**
 * @param body all of it: what such a server is sent is made anew
 * @throws ApiError for what the server can't do, by the parameter's name, and for audio that can't be sent
 */
export async function convert(
  request: ForwardedRequest,
  body: Uint8Array,
  context: AudioContext,
): Promise<Conversion> {
  switch (request.path) {
    case '/v1/chat/completions':
      return convertChat(body, context)
    case '/v1/audio/transcriptions':
    case '/v1/audio/translations': {
      const form = await readForm(request, body, request.contentType ?? '')
      if (context.openai.transcription === 'endpoint') return transcribeThere(form, request, context)
      const task = request.path.endsWith('translations') ? 'translate' : 'transcribe'
      return transcribeByChat(form, task, context)
    }
    default:
      throw new ApiError('unsupported_parameter', {
        message: `Unsupported 'model' for ${request.path}: ${request.model} runs on another server, which has no such endpoint.`,
        param: 'model',
      })
  }
}

async function convertChat(bytes: Uint8Array, context: AudioContext): Promise<Conversion> {
  const { body, answer } = await toUpstreamChat(parseChatCompletionRequest(parseJson(bytes)), context)
  const events = new EventRewriter(value => [toChunk(value, answer)])
  return {
    path: '/v1/chat/completions',
    body: JSON.stringify(body),
    contentType: jsonType,
    audio: answer.audio,
    normalize: response =>
      normalize(response, value => ({
        contentType: jsonType,
        body: JSON.stringify(toChatCompletion(value, answer)),
      })),
    rewriteEvent: event => events.rewrite(event),
  }
}
