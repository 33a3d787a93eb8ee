/**
 * A transcription by a server that isn't ours: through chat, by a prompt, where it has no endpoint for the model (vLLM
 * has none for Qwen2-Audio), else by its own.
 */

import type { Logprobs } from '../../protocol/chat-completions.ts'
import {
  cannotTranslate,
  refuseForChat,
  toTranscriptUsage,
  transcribePrompt,
} from '../../protocol/chat-transcription.ts'
import { ApiError } from '../../protocol/errors.ts'
import { defaultLimits } from '../../protocol/limits.ts'
import { readMultipart } from '../../protocol/multipart.ts'
import { parseChatCompletionRequest } from '../../protocol/parse-chat-completion.ts'
import {
  parseTranscriptionForm,
  parseTranslationForm,
  type TranscriptionForm,
} from '../../protocol/parse-transcription.ts'
import { toText } from '../../protocol/transcript-formats.ts'
import type {
  Transcription,
  TranscriptionRequest,
  TranscriptLogprob,
  TranscriptStreamEvent,
  TranscriptUsage,
} from '../../protocol/transcriptions.ts'
import type { ForwardedRequest } from '../forwarded-request.ts'
import { EventRewriter, jsonType, normalize, type OurAnswer } from './answers.ts'
import { type AudioContext, readFile, toBase64 } from './audio-parts.ts'
import { toChatCompletion, toChunk, toUpstreamChat } from './chat.ts'
import type { Conversion } from './conversion.ts'
import { countOf, type Json, listOf, objectOf, stringOf } from './json.ts'

/** A form as it came, checked. @throws ApiError as the route would */
export async function readForm(
  { path }: ForwardedRequest,
  body: Uint8Array,
  contentType: string,
): Promise<TranscriptionForm> {
  const request = new Request('http://form', {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: body as Uint8Array<ArrayBuffer>,
  })
  const { maxAudioBytes, maxFieldBytes } = defaultLimits
  const form = await readMultipart(request, { maxFileBytes: maxAudioBytes, maxFieldBytes })
  return path.endsWith('/translations') ? parseTranslationForm(form) : parseTranscriptionForm(form)
}

/** By a prompt. @throws ApiError unsupported_parameter, and what is wrong with the audio */
export async function transcribeByChat(
  { request, recording }: TranscriptionForm,
  task: 'transcribe' | 'translate',
  context: AudioContext,
): Promise<Conversion> {
  if (task === 'translate') throw cannotTranslate(request.model)
  refuseForChat(request)
  const { model, stream = false, temperature = 0, include } = request
  const audio =
    recording.kind === 'sent'
      ? { type: 'input_audio', input_audio: { data: toBase64(recording.file.bytes) } }
      : { type: 'file', file: { file_id: recording.fileId } }
  const field = recording.kind === 'sent' ? 'file' : 'file_id'
  const question = parseChatCompletionRequest({
    model,
    messages: [{ role: 'user', content: [audio, { type: 'text', text: transcribePrompt }] }],
    ...(stream && { stream, stream_options: { include_usage: true } }),
    temperature,
    logprobs: include !== undefined,
  })
  // The conversation was made here; the caller sent a file.
  const mend = (error: ApiError) =>
    error.param?.startsWith('messages')
      ? new ApiError(error.code, {
          message: error.message.replaceAll(/messages\[0\][^:]*/g, field),
          param: field,
          cause: error,
        })
      : error
  const { body, answer } = await toUpstreamChat(question, context).catch((error: unknown) => {
    throw error instanceof ApiError ? mend(error) : error
  })
  const transcript = new Transcript(request)
  const events = new EventRewriter(
    value => {
      const { choices, usage } = toChunk(value, answer)
      if (usage !== undefined && usage !== null) transcript.usage = toTranscriptUsage(usage)
      return choices.flatMap(({ delta, logprobs }) => transcript.delta(delta.content ?? '', logprobs))
    },
    () => [transcript.done()],
    mend,
  )
  return {
    path: '/v1/chat/completions',
    body: JSON.stringify(body),
    contentType: jsonType,
    audio: answer.audio,
    normalize: response =>
      normalize(
        response,
        value => {
          const { choices, usage } = toChatCompletion(value, answer)
          transcript.usage = toTranscriptUsage(usage)
          transcript.delta(choices[0]!.message.content, choices[0]!.logprobs)
          return transcript.whole()
        },
        mend,
      ),
    rewriteEvent: event => events.rewrite(event),
  }
}

/** By the server's own endpoint, as vLLM has it for Whisper and its like. @throws ApiError unsupported_parameter */
export async function transcribeThere(
  { request, recording }: TranscriptionForm,
  { path }: ForwardedRequest,
  context: AudioContext,
): Promise<Conversion> {
  refuseForEndpoint(request)
  const { model, stream = false, language, prompt, temperature } = request
  const form = new FormData()
  const fields = {
    model: context.openai.models[model] ?? model,
    response_format: 'json',
    language,
    prompt,
    temperature,
    stream: stream || undefined,
    stream_include_usage: stream || undefined,
  }
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) form.set(name, String(value))
  const file =
    recording.kind === 'sent'
      ? recording.file
      : { bytes: await readFile(recording.fileId, 'file_id', context), filename: recording.fileId }
  form.set('file', new File([file.bytes as Uint8Array<ArrayBuffer>], file.filename))
  const transcript = new Transcript(request)
  const events = new EventRewriter(
    value => {
      const usage = objectOf(value['usage'])
      if (usage !== null) transcript.usage = toTokens(usage)
      return listOf(value['choices']).flatMap(choice =>
        transcript.delta(stringOf(objectOf(objectOf(choice)?.['delta'])?.['content']) ?? '', null),
      )
    },
    () => [transcript.done()],
  )
  return {
    path,
    body: form,
    // A form brings its own type, with its boundary.
    contentType: null,
    audio: [],
    normalize: response =>
      normalize(response, value => {
        const seconds = objectOf(value?.['usage'])?.['seconds']
        transcript.usage = { type: 'duration', seconds: typeof seconds === 'number' ? seconds : 0 }
        transcript.delta(stringOf(value?.['text']) ?? '', null)
        return transcript.whole()
      }),
    rewriteEvent: event => events.rewrite(event),
  }
}

/** What has come of it so far. */
class Transcript {
  usage: TranscriptUsage = toTokens({})
  readonly #request: TranscriptionRequest
  readonly #logprobs: TranscriptLogprob[] = []
  #text = ''

  constructor(request: TranscriptionRequest) {
    this.#request = request
  }

  /** More text, as an event where it is any. */
  delta(content: string, logprobs: Logprobs | null | undefined): TranscriptStreamEvent[] {
    const delta = this.#text === '' ? content.trimStart() : content
    const more = (logprobs?.content ?? []).map(({ token, bytes, logprob }) => ({
      token,
      bytes: bytes ?? [],
      logprob,
    }))
    this.#text += delta
    this.#logprobs.push(...more)
    if (delta === '' && more.length === 0) return []
    return [{ type: 'transcript.text.delta', delta, ...(this.#wantsLogprobs && { logprobs: more }) }]
  }

  done(): TranscriptStreamEvent {
    return {
      type: 'transcript.text.done',
      text: this.#text,
      ...(this.#wantsLogprobs && { logprobs: this.#logprobs }),
      usage: this.usage,
      no_speech: this.#text.trim() === '',
    }
  }

  whole(): OurAnswer {
    const text = this.#text.trim()
    if (this.#request.response_format === 'text') {
      return { contentType: 'text/plain; charset=utf-8', body: toText(text) }
    }
    const transcription: Transcription = {
      text,
      ...(this.#wantsLogprobs && { logprobs: this.#logprobs }),
      usage: this.usage,
      no_speech: text === '',
    }
    return { contentType: jsonType, body: JSON.stringify(transcription) }
  }

  get #wantsLogprobs(): boolean {
    return this.#request.include?.includes('logprobs') ?? false
  }
}

function refuseForEndpoint(request: TranscriptionRequest): void {
  const { model, response_format: format = 'json', chunking_strategy: strategy = 'auto' } = request
  const names = ['keywords', 'hotwords', 'ngram_model', 'n_best', 'beam_size', 'include'] as const
  const refused: string | undefined =
    names.find(name => request[name] !== undefined) ??
    (format !== 'json' && format !== 'text' ? 'response_format' : undefined) ??
    (strategy !== 'auto' ? 'chunking_strategy' : undefined)
  if (refused === undefined) return
  const detail = refused === 'response_format' ? ` ${format}: use json or text` : ''
  throw new ApiError('unsupported_parameter', {
    message: `Unsupported '${refused}' with ${model}, which runs on another server${detail}. Auricle’s own speech models take it.`,
    param: refused,
  })
}

function toTokens(usage: Json): TranscriptUsage {
  const input = countOf(usage['prompt_tokens'])
  const output = countOf(usage['completion_tokens'])
  return {
    type: 'tokens',
    input_tokens: input,
    output_tokens: output,
    total_tokens: input + output,
    input_token_details: { audio_tokens: 0, text_tokens: input },
  }
}
