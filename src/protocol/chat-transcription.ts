/** How a model that chats transcribes: by a prompt. Worker and edge agree on the words and on what can't be asked so. */
import type { Usage } from './chat-completions.ts'
import { ApiError } from './errors.ts'
import type { TranscriptionRequest, TranscriptUsage } from './transcriptions.ts'

/** What it is told. Qwen2-Audio's words. */
export const transcribePrompt = 'Transcribe the audio.'

/** Fields that only a speech model can follow. @throws ApiError `unsupported_parameter` */
export function refuseForChat(request: TranscriptionRequest): void {
  const {
    response_format: format = 'json',
    chunking_strategy: strategy = 'auto',
    n_best,
    beam_size,
  } = request
  const names = ['language', 'prompt', 'keywords', 'hotwords', 'ngram_model'] as const
  const refused: string | undefined =
    names.find(name => request[name] !== undefined) ??
    (format !== 'json' && format !== 'text' ? 'response_format' : undefined) ??
    (strategy !== 'auto' ? 'chunking_strategy' : undefined) ??
    ((n_best ?? 1) > 1 ? 'n_best' : undefined) ??
    ((beam_size ?? 1) > 1 ? 'beam_size' : undefined)
  if (refused === undefined) return
  const detail = refused === 'response_format' ? ` ${format}: it gives no times; use json or text` : ''
  throw new ApiError('unsupported_parameter', {
    message: `Unsupported '${refused}' with ${request.model}, which transcribes by a prompt${detail}. A speech model (GET /v1/models, task transcription) takes it.`,
    param: refused,
  })
}

export function cannotTranslate(model: string): ApiError {
  return new ApiError('unsupported_parameter', {
    message: `Unsupported 'model' for translations: ${model} can't translate. It transcribes: POST /v1/audio/transcriptions.`,
    param: 'model',
  })
}

/** A transcription's usage from that of the chat that made it. */
export function toTranscriptUsage(usage: Usage): TranscriptUsage {
  const { prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details } = usage
  const { audio_tokens } = prompt_tokens_details
  return {
    type: 'tokens',
    input_tokens: prompt_tokens,
    output_tokens: completion_tokens,
    total_tokens,
    input_token_details: { audio_tokens, text_tokens: prompt_tokens - audio_tokens },
  }
}
