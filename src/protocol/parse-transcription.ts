/** From a form to a checked transcription or translation, or to an error that names the field and the remedy. */
import type * as z from 'zod'
import { ApiError } from './errors.ts'
import { fieldBoolean, fieldNumber, fieldsToObject, type MultipartForm } from './multipart.ts'
import type { ParameterSupport } from './openai-parameters.ts'
import { type Recording, recordingOf } from './recording.ts'
import { transcriptionParameters, translationParameters } from './transcription-parameters.ts'
import { TranscriptionRequest, TranslationRequest } from './transcriptions.ts'
import { toValidationError, unknownParameter } from './validation.ts'

/** A request with its recording. */
export interface TranscriptionForm {
  request: TranscriptionRequest
  recording: Recording
}

const lists = new Set([
  'timestamp_granularities',
  'include',
  'keywords',
  'hotwords',
  'languages',
  'known_speaker_names',
  'known_speaker_references',
])
const numbers = new Set(['temperature', 'n_best', 'beam_size', 'ngram_weight', 'word_bonus'])
const vadNumbers = new Set(['threshold', 'silence_duration_ms', 'prefix_padding_ms'])
/** Fields that may hold an object or a list, as JSON. */
const jsonFields = new Set(['chunking_strategy', 'ngram_model'])

/**
 * Checks a transcription. The recording isn't decoded here.
 * @throws ApiError invalid_request, unsupported_parameter
 */
export function parseTranscriptionForm(form: MultipartForm): TranscriptionForm {
  const request = parseFields(form, TranscriptionRequest, transcriptionParameters)
  checkCombinations(request)
  return { request, recording: recordingOf(form, request.file_id) }
}

/** Checks a translation: fewer fields, the same rules. @throws ApiError as parseTranscriptionForm */
export function parseTranslationForm(form: MultipartForm): TranscriptionForm {
  const request = parseFields(form, TranslationRequest, translationParameters)
  return { request, recording: recordingOf(form, request.file_id) }
}

function parseFields<T>(
  form: MultipartForm,
  schema: z.ZodType<T>,
  parameters: Readonly<Record<string, ParameterSupport>>,
): T {
  const written = fieldsToObject(form.fields, lists)
  const values: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(written)) {
    const support = Object.hasOwn(parameters, name) ? parameters[name] : undefined
    if (support === undefined) {
      const short = name.length > 64 ? `${name.slice(0, 64)}…` : name
      throw unknownParameter(short, short, usableNames(parameters))
    }
    // What a form can't say otherwise: an empty field is one that was left out.
    if (value === '') continue
    if (support.kind === 'refused') throw refusal(name, support.reason)
    values[name] = typedValue(name, value)
  }
  if (values['response_format'] === 'diarized_json') {
    throw refusal('response_format', 'speakers are not told apart here; use verbose_json')
  }
  const parsed = schema.safeParse(values)
  if (!parsed.success) throw toValidationError(parsed.error, usableNames(parameters))
  return parsed.data
}

/** What a field's text stands for; text that doesn't stays as it is, and the schema says what was expected. */
function typedValue(name: string, value: unknown): unknown {
  if (typeof value === 'string') {
    if (numbers.has(name)) return fieldNumber(value)
    if (name === 'stream') return fieldBoolean(value)
    if (jsonFields.has(name) && /^\s*[[{]/.test(value)) return toJson(name, value)
    return value
  }
  if (name !== 'chunking_strategy' || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>).map(([key, text]) => [
      key,
      vadNumbers.has(key) ? fieldNumber(text) : text,
    ]),
  )
}

function toJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid(name, 'it looks like JSON and is not')
  }
}

function checkCombinations(request: TranscriptionRequest): void {
  const { response_format: format = 'json', temperature = 0, beam_size, n_best = 1 } = request
  if (request.timestamp_granularities && format !== 'verbose_json') {
    throw invalid('timestamp_granularities', 'it needs "response_format": "verbose_json"')
  }
  if (request.include && format !== 'json') throw invalid('include', 'it needs "response_format": "json"')
  if (request.stream && format !== 'json' && format !== 'text') {
    throw invalid('stream', `events carry text; it does not go with "response_format": "${format}"`)
  }
  if (n_best > 1 && format !== 'verbose_json') {
    throw invalid('n_best', 'it needs "response_format": "verbose_json"')
  }
  if (beam_size !== undefined && n_best > beam_size) {
    throw invalid('n_best', `a beam of ${beam_size} keeps no ${n_best} hypotheses; widen beam_size`)
  }
  if (temperature > 0) {
    for (const name of ['beam_size', 'n_best', 'ngram_model', 'hotwords', 'keywords'] as const) {
      if (request[name] === undefined || request[name] === 1) continue
      throw invalid(name, 'it searches for the best, and does not go with a temperature above 0')
    }
  }
  for (const name of ['ngram_weight', 'word_bonus'] as const) {
    if (request[name] !== undefined && request.ngram_model === undefined) {
      throw invalid(name, 'it needs ngram_model')
    }
  }
}

function usableNames(parameters: Readonly<Record<string, ParameterSupport>>): string[] {
  return Object.keys(parameters).filter(name => parameters[name]!.kind !== 'refused')
}

function invalid(param: string, reason: string): ApiError {
  return new ApiError('invalid_request', { message: `Invalid ${param}: ${reason}.`, param })
}

function refusal(param: string, reason: string): ApiError {
  return new ApiError('unsupported_parameter', { message: `Unsupported '${param}': ${reason}.`, param })
}
