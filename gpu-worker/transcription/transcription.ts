/**
 * One whole transcription, top to bottom: a recording in, its text out.
 *
 * 1. who transcribes: a speech model, or a chat model by a prompt;  2. what the fields ask of it;  3. the recording
 * decoded;  4. transcribed;  5. text, piece by piece, and an end with what it took.
 */
import {
  cannotTranslate,
  refuseForChat,
  toTranscriptUsage,
  transcribePrompt,
} from '../../src/protocol/chat-transcription.ts'
import { ApiError } from '../../src/protocol/errors.ts'
import { parseChatCompletionRequest } from '../../src/protocol/parse-chat-completion.ts'
import type { TranscriptionForm } from '../../src/protocol/parse-transcription.ts'
import { defaultNgramWeight, defaultWordBonus } from '../../src/protocol/rescore.ts'
import type {
  ServerVad,
  TimestampSource,
  TranscriptLogprob,
  TranscriptUsage,
} from '../../src/protocol/transcriptions.ts'
import type { OpenedModel } from '../../src/storage/ngram-models.ts'
import { decodeAudioPieces } from '../audio/decode.ts'
import { throwIfCancelled } from '../cancellation.ts'
import { paramOf, toPart } from '../conversation.ts'
import { type GenerateContext, generateChat } from '../generate.ts'
import { modelIds } from '../model/chat-model.ts'
import type { Segment, SpeechModel, TranscribeOptions, VoiceActivityOptions } from '../model/speech-model.ts'

/** `translate` is into English. */
export type TranscriptionTask = 'transcribe' | 'translate'

/** Pieces of text in order, one end. */
export type TranscriptEvent =
  /** `segment` is null where the model gives no times. */
  | { type: 'delta'; text: string; logprobs: TranscriptLogprob[]; segment: Segment | null }
  | {
      type: 'end'
      durationSeconds: number
      /** ISO 639-1; null where nobody knows. */
      language: string | null
      noSpeech: boolean
      timestampSource: TimestampSource | null
      usage: TranscriptUsage
    }

export interface TranscriptionContext extends GenerateContext {
  speechModels: ReadonlyMap<string, SpeechModel>
}

/** Wide enough to find what a search is for (faster-whisper's default). */
const SEARCH_BEAM = 5
/** OpenAI's `server_vad` numbers. */
const defaultVad: VoiceActivityOptions = { threshold: 0.5, minSilenceMs: 500, speechPadMs: 300 }

/**
 * Transcribes a recording.
 * @throws ApiError for everything that is the caller's to mend; before the first event unless a model fails
 */
export function transcribe(
  form: TranscriptionForm,
  task: TranscriptionTask,
  context: TranscriptionContext,
): AsyncGenerator<TranscriptEvent> {
  const { model } = form.request
  const speechModel = context.speechModels.get(model)
  if (speechModel) return transcribeWithSpeechModel(speechModel, form, task, context)
  const chatModel = context.models.get(model.split(':', 1)[0]!)
  if (chatModel) return transcribeWithChatModel(form, task, context, chatModel.translationPrompt ?? null)
  const known = [...context.speechModels.keys(), ...modelIds(context.models)].join(', ')
  throw new ApiError('model_not_found', {
    message: `The model '${model.slice(0, 80)}' is not here. There is: ${known}.`,
    param: 'model',
  })
}

async function* transcribeWithSpeechModel(
  model: SpeechModel,
  { request, recording }: TranscriptionForm,
  task: TranscriptionTask,
  { limits, signal, tenant, ngramModels, audioSources }: TranscriptionContext,
): AsyncGenerator<TranscriptEvent> {
  if (task === 'translate') throw cannotTranslate(model.id)
  const { ngram_model: reference } = request
  const opened = reference === undefined ? null : await ngramModels.open(tenant, reference, 'ngram_model')
  const options = optionsOf(request, model, opened, tenant, signal)
  const { maxTranscriptionSeconds: maxSeconds, maxAudioBytes: maxBytes } = limits
  const param = paramOf(recording)
  const bytes =
    recording.kind === 'sent'
      ? recording.file.bytes
      : await audioSources.readFile(recording.fileId, { tenant, maxBytes, param, signal })
  const samples = decodeAudioPieces(bytes, { maxSeconds, maxBytes }, signal)
  try {
    for await (const event of model.transcribe(samples, options)) {
      if (event.type === 'segment') {
        const { segment } = event
        const logprobs = (segment.logprobs ?? []).map(({ token, bytes, logprob }) => ({
          token,
          bytes: [...bytes],
          logprob,
        }))
        yield { type: 'delta', text: segment.text, logprobs, segment }
        continue
      }
      const { durationSeconds, language, noSpeech, timestampSource } = event
      const usage = { type: 'duration' as const, seconds: durationSeconds }
      yield { type: 'end', durationSeconds, language, noSpeech, timestampSource, usage }
    }
  } catch (error) {
    throwIfCancelled(signal)
    throw withParam(error, param)
  }
}

/** The fields as the model takes them. @throws ApiError `invalid_request` */
function optionsOf(
  request: TranscriptionForm['request'],
  model: SpeechModel,
  ngram: OpenedModel | null,
  tenant: string,
  signal: AbortSignal,
): TranscribeOptions {
  const { language = null, response_format: format = 'json', n_best: nBest = 1, temperature = 0 } = request
  if (language !== null && !model.languages.includes(language)) {
    throw new ApiError('invalid_request', {
      message: `Invalid language: ${model.id} knows ${model.languages.join(', ')}.`,
      param: 'language',
    })
  }
  const hotwords = [...(request.keywords ?? []), ...(request.hotwords ?? [])]
  const isSearch = nBest > 1 || hotwords.length > 0 || request.ngram_model !== undefined
  const wordTimestamps = request.timestamp_granularities?.includes('word') ?? false
  return {
    language,
    prompt: request.prompt ?? null,
    temperature: temperature === 0 ? null : temperature,
    beamSize: request.beam_size ?? (isSearch ? Math.max(SEARCH_BEAM, nBest) : 1),
    segmentTimestamps: format !== 'json' && format !== 'text',
    wordTimestamps,
    logprobs: request.include?.includes('logprobs') ?? false,
    nBest,
    languageModel: ngram && {
      ...ngram,
      weight: request.ngram_weight ?? defaultNgramWeight,
      wordBonus: request.word_bonus ?? defaultWordBonus,
    },
    hotwords,
    vad: vadOf(request.chunking_strategy ?? 'auto'),
    tenant,
    signal,
  }
}

function vadOf(strategy: 'auto' | 'none' | ServerVad): TranscribeOptions['vad'] {
  if (strategy === 'none') return null
  if (strategy === 'auto') return 'auto'
  return {
    threshold: strategy.threshold ?? defaultVad.threshold,
    minSilenceMs: strategy.silence_duration_ms ?? defaultVad.minSilenceMs,
    speechPadMs: strategy.prefix_padding_ms ?? defaultVad.speechPadMs,
  }
}

/** By a prompt, as Qwen2-Audio is asked; parts of long recordings one after the other. */
async function* transcribeWithChatModel(
  { request, recording }: TranscriptionForm,
  task: TranscriptionTask,
  context: TranscriptionContext,
  translationPrompt: string | null,
): AsyncGenerator<TranscriptEvent> {
  if (task === 'translate' && translationPrompt === null) throw cannotTranslate(request.model)
  refuseForChat(request)
  const text = task === 'translate' ? translationPrompt! : transcribePrompt
  const question = parseChatCompletionRequest({
    model: request.model,
    messages: [{ role: 'user', content: [toPart(recording), { type: 'text', text }] }],
    long_audio: 'chunk',
    temperature: request.temperature ?? 0,
    logprobs: request.include?.includes('logprobs') ?? false,
  })
  let isEmpty = true
  try {
    for await (const event of generateChat(question, context)) {
      if (event.type === 'delta' || event.type === 'finish') {
        if (event.text === '' && event.logprobs.length === 0) continue
        if (event.text.trim() !== '') isEmpty = false
        const logprobs = event.logprobs.map(({ token, bytes, logprob }) => ({
          token,
          bytes: bytes ?? [],
          logprob,
        }))
        yield { type: 'delta', text: event.text, logprobs, segment: null }
      } else if (event.type === 'usage') {
        yield {
          type: 'end',
          durationSeconds: event.usage.audio[0]?.seconds_received ?? 0,
          language: null,
          noSpeech: isEmpty,
          timestampSource: null,
          usage: toTranscriptUsage(event.usage),
        }
      }
    }
  } catch (error) {
    // The conversation was made here; the caller sent or named a file.
    if (!(error instanceof ApiError) || !error.param?.startsWith('messages')) throw error
    const message = error.message.replaceAll(/messages\[0\]\S*?: /g, '')
    throw new ApiError(error.code, { message, param: paramOf(recording), cause: error })
  }
}

/** What is wrong with the audio is said of the field that carries it. */
function withParam(error: unknown, param: string): unknown {
  if (!(error instanceof ApiError) || error.param !== null || !error.code.startsWith('audio_')) return error
  return new ApiError(error.code, { message: error.message, param, cause: error })
}
