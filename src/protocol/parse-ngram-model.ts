/** From a form or a JSON body to what an n-gram model is to be made of, or to an error that names the field. */
import type * as z from 'zod'
import { ApiError } from './errors.ts'
import { fieldBoolean, fieldNumber, fieldsToObject, type MultipartForm, requiredFile } from './multipart.ts'
import { NgramMixture, NgramTraining, NgramTrainingText } from './ngram-models.ts'
import { toValidationError } from './validation.ts'

/** What was asked for. */
export type NgramModelOrder =
  | { kind: 'training'; file: Uint8Array; training: NgramTraining }
  | { kind: 'mixture'; mixture: NgramMixture }

const lists = new Set(['prune'])
const numbers = new Set(['order', 'k', 'discount', 'held_out'])

/** A form with a file. @throws ApiError `invalid_request`, `unsupported_parameter` */
export function parseNgramForm(form: MultipartForm): NgramModelOrder {
  const values: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fieldsToObject(form.fields, lists))) {
    if (value === '') continue
    if (numbers.has(name)) values[name] = fieldNumber(value)
    else if (name === 'prune' && Array.isArray(value)) values[name] = value.map(fieldNumber)
    else if (name === 'lowercase') values[name] = fieldBoolean(value)
    else values[name] = value
  }
  const training = parsed(NgramTraining, values)
  checkTraining(training)
  return { kind: 'training', file: requiredFile(form, 'file').bytes, training }
}

/** A JSON body: `text` with the same fields, or `models` for a mixture. @throws ApiError as parseNgramForm */
export function parseNgramJson(body: unknown): NgramModelOrder {
  const isObject = typeof body === 'object' && body !== null
  if (isObject && 'models' in body) return { kind: 'mixture', mixture: parsed(NgramMixture, body) }
  if (!isObject || !('text' in body)) {
    throw new ApiError('invalid_request', {
      message: 'Invalid body: send text, or models for a mixture; files as multipart/form-data.',
      param: 'text',
    })
  }
  const { text, ...training } = parsed(NgramTrainingText, body)
  checkTraining(training)
  return { kind: 'training', file: new TextEncoder().encode(text), training }
}

function checkTraining({
  smoothing = 'modified-kneser-ney',
  k,
  discount,
  prune,
  order = 3,
}: NgramTraining): void {
  if ((smoothing === 'add-k') !== (k !== undefined)) {
    throw invalid('k', smoothing === 'add-k' ? 'add-k needs it' : `${smoothing} has none`)
  }
  if (discount !== undefined && !['absolute', 'kneser-ney', 'interpolated-kneser-ney'].includes(smoothing)) {
    throw invalid('discount', `${smoothing} takes none`)
  }
  if (prune !== undefined && prune.length > order) {
    throw invalid('prune', `${prune.length} thresholds for an order of ${order}`)
  }
}

function parsed<T>(schema: z.ZodType<T> & { shape: object }, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw toValidationError(result.error, Object.keys(schema.shape))
}

function invalid(param: string, reason: string): ApiError {
  return new ApiError('invalid_request', { message: `Invalid ${param}: ${reason}.`, param })
}
