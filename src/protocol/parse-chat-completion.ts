/** From any JSON value to a checked chat request, or to an error that says which field is wrong and why. */
import { audioFormats, checkFileId, parseAudioUrl } from './audio-source.ts'
import { ChatCompletionRequest } from './chat-completions.ts'
import { ApiError } from './errors.ts'
import { checkJsonSchema } from './json-schema.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { chatCompletionParameters, usableParameterNames } from './openai-parameters.ts'
import { toValidationError, unknownParameter } from './validation.ts'

/** Fields below the top level, for suggestions. */
const nestedNames = [
  'role',
  'content',
  'type',
  'text',
  'input_audio',
  'audio_url',
  'data',
  'format',
  'url',
  'include_usage',
  'file',
  'file_id',
]

const refusedRoles: Record<string, string> = {
  tool: 'the models here cannot call tools',
  function: 'the models here cannot call functions',
}

/** What takes an audio's place among the parts. */
const audioPartTypes: ReadonlySet<unknown> = new Set(['input_audio', 'audio_url', 'file'])

const refusedParts: Record<string, string> = {
  image_url: 'the models here hear, they do not see',
  video_url: 'the models here hear, they do not see',
  refusal: 'refusals are not part of a conversation here; send text',
}

const refusedMessageFields: Record<string, string> = {
  name: 'the models here do not tell participants apart; write the name into the text',
  audio: 'spoken replies are not kept here; send the text of the earlier answer as content',
  tool_calls: 'the models here cannot call tools',
  tool_call_id: 'the models here cannot call tools',
  function_call: 'the models here cannot call functions',
  refusal: 'refusals are not part of a conversation here; send the text as content',
  annotations: 'the models here cannot search the web',
}

/**
 * Checks a chat request. Audio is not decoded here, not even its base64.
 * @throws ApiError invalid_request, unsupported_parameter, too_many_audio_parts, audio_format_unsupported,
 *   audio_url_unsupported
 * @example const request = parseChatCompletionRequest(await response.json())
 */
export function parseChatCompletionRequest(
  body: unknown,
  limits: Limits = defaultLimits,
): ChatCompletionRequest {
  if (!isObject(body)) {
    throw new ApiError('invalid_request', {
      message: 'The body must be a JSON object with model and messages.',
    })
  }
  checkParameters(body)
  checkSizes(body['messages'], limits)
  const parsed = ChatCompletionRequest.safeParse(body)
  if (!parsed.success) throw toValidationError(parsed.error, nestedNames)
  checkCombinations(parsed.data)
  checkUrls(parsed.data)
  const { response_format: format } = parsed.data
  if (format?.type === 'json_schema') {
    checkJsonSchema(format.json_schema.schema, ['response_format', 'json_schema', 'schema'])
  }
  return parsed.data
}

function checkParameters(body: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(body)) {
    const support = Object.hasOwn(chatCompletionParameters, name) ? chatCompletionParameters[name] : undefined
    if (support === undefined) {
      const short = name.length > 64 ? `${name.slice(0, 64)}…` : name
      throw unknownParameter(short, short, usableParameterNames)
    }
    if (value === null || value === undefined) continue
    const refused = support.kind === 'refused' || (support.kind === 'default-only' && !support.accepts(value))
    if (refused) throw refusal(name, support.reason)
  }
}

/** Counts before anything is validated, so that a flood of parts costs nothing; refuses what has its own reason. */
function checkSizes(messages: unknown, limits: Limits): void {
  if (!Array.isArray(messages)) return
  if (messages.length > limits.maxMessages) {
    throw new ApiError('invalid_request', {
      message: `Invalid messages: ${messages.length} messages, at most ${limits.maxMessages} are taken.`,
      param: 'messages',
    })
  }
  let audioParts = 0
  let characters = 0
  for (const [index, message] of messages.entries()) {
    if (!isObject(message)) continue
    const path = `messages[${index}]`
    checkMessageFields(message, path)
    const content = message['content']
    if (typeof content === 'string') characters += content.length
    if (!Array.isArray(content)) continue
    for (const part of content) {
      if (!isObject(part)) continue
      if (audioPartTypes.has(part['type'])) audioParts++
      if (typeof part['text'] === 'string') characters += part['text'].length
    }
    if (audioParts > limits.maxAudioParts) {
      throw new ApiError('too_many_audio_parts', {
        message: `More than ${limits.maxAudioParts} audio parts in one request. Send fewer.`,
        param: 'messages',
      })
    }
    if (content.length > limits.maxPartsPerMessage) {
      throw new ApiError('invalid_request', {
        message: `Invalid ${path}.content: ${content.length} parts, at most ${limits.maxPartsPerMessage} are taken.`,
        param: `${path}.content`,
      })
    }
    for (const [at, part] of content.entries()) checkPart(part, `${path}.content[${at}]`, message['role'])
  }
  if (characters > limits.maxTextCharacters) {
    throw new ApiError('context_length_exceeded', {
      message: `The messages hold ${characters} characters, at most ${limits.maxTextCharacters} are taken.`,
      param: 'messages',
    })
  }
}

function checkMessageFields(message: Record<string, unknown>, path: string): void {
  const role = message['role']
  if (typeof role === 'string' && Object.hasOwn(refusedRoles, role)) {
    throw refusal(`${path}.role`, refusedRoles[role]!, `'${role}'`)
  }
  for (const [name, reason] of Object.entries(refusedMessageFields)) {
    const value = message[name]
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) continue
    throw refusal(`${path}.${name}`, reason)
  }
}

function checkPart(part: unknown, path: string, role: unknown): void {
  if (!isObject(part)) return
  const type = part['type']
  if (typeof type !== 'string') return
  if (Object.hasOwn(refusedParts, type)) throw refusal(`${path}.type`, refusedParts[type]!, `'${type}'`)
  if (audioPartTypes.has(type) && role !== 'user') {
    throw new ApiError('invalid_request', {
      message: `Invalid ${path}: audio belongs in messages with the role user.`,
      param: path,
    })
  }
  const format = isObject(part['input_audio']) ? part['input_audio']['format'] : undefined
  if (typeof format === 'string' && !(audioFormats as readonly string[]).includes(format)) {
    throw new ApiError('audio_format_unsupported', {
      message: `Invalid ${path}.input_audio.format: use one of ${audioFormats.join(', ')}, or leave it out.`,
      param: `${path}.input_audio.format`,
    })
  }
}

function checkCombinations(request: ChatCompletionRequest): void {
  const { logprobs, top_logprobs, stream, stream_options, max_tokens, max_completion_tokens } = request
  const { long_audio, response_format } = request
  if (top_logprobs !== undefined && top_logprobs > 0 && logprobs !== true) {
    throw invalid('top_logprobs', 'it needs "logprobs": true')
  }
  if (stream_options !== undefined && stream !== true)
    throw invalid('stream_options', 'it needs "stream": true')
  if (
    max_tokens !== undefined &&
    max_completion_tokens !== undefined &&
    max_tokens !== max_completion_tokens
  ) {
    throw invalid('max_tokens', 'it contradicts max_completion_tokens; send one of them')
  }
  if (long_audio === 'chunk' && (response_format?.type ?? 'text') !== 'text') {
    throw invalid(
      'long_audio',
      'an answer in parts is not one JSON value; send shorter audio, or ask for text',
    )
  }
  if (request.grounding === true) checkGrounding(request)
}

function checkGrounding({ messages, long_audio }: ChatCompletionRequest): void {
  if (long_audio === 'chunk') throw invalid('grounding', 'it does not go with an answer in parts')
  const hasAudio = messages.some(
    ({ content }) => typeof content !== 'string' && content.some(({ type }) => type !== 'text'),
  )
  if (!hasAudio) throw invalid('grounding', 'it holds an answer against silence, and there is no audio')
}

function checkUrls(request: ChatCompletionRequest): void {
  for (const [index, message] of request.messages.entries()) {
    if (typeof message.content === 'string') continue
    for (const [at, part] of message.content.entries()) {
      const path = `messages[${index}].content[${at}]`
      if (part.type === 'file') checkFileId(part.file.file_id, `${path}.file.file_id`)
      if (part.type !== 'audio_url') continue
      parseAudioUrl(part.audio_url.url, `${path}.audio_url.url`)
    }
  }
}

function invalid(param: string, reason: string): ApiError {
  return new ApiError('invalid_request', { message: `Invalid ${param}: ${reason}.`, param })
}

function refusal(param: string, reason: string, value = ''): ApiError {
  const what = value === '' ? `'${param}'` : `${value} in '${param}'`
  return new ApiError('unsupported_parameter', { message: `Unsupported ${what}: ${reason}.`, param })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
