/** From JSON or a form to a checked classification, or to an error that names the field and the remedy. */
import { checkFileId, parseAudioUrl } from './audio-source.ts'
import { ClassificationForm, type ClassificationQuestion, ClassificationRequest } from './classifications.ts'
import { ApiError } from './errors.ts'
import { fieldBoolean, fieldNumber, fieldsToObject, type MultipartForm } from './multipart.ts'
import { type Recording, recordingOf } from './recording.ts'
import { taxonomies } from './taxonomies.ts'
import { toValidationError } from './validation.ts'

/** A question with its recording. */
export interface ClassificationAsked {
  request: ClassificationQuestion
  recording: Recording
}

const names = [...Object.keys(ClassificationRequest.shape), 'file', 'input_audio', 'audio_url', 'file_id']
const numbers = new Set(['top_k', 'threshold'])

/** Checks a request. Its audio isn't decoded. @throws ApiError invalid_request, unsupported_parameter, audio_url_unsupported */
export function parseClassificationRequest(body: unknown): ClassificationRequest {
  const parsed = ClassificationRequest.safeParse(body)
  if (!parsed.success) throw toValidationError(parsed.error, names)
  const { audio } = parsed.data
  if (audio.type === 'file') checkFileId(audio.file.file_id, 'audio.file.file_id')
  if (audio.type === 'audio_url') parseAudioUrl(audio.audio_url.url, 'audio.audio_url.url')
  checkLabels(parsed.data)
  return parsed.data
}

/** Checks a form. @throws ApiError as parseClassificationRequest */
export function parseClassificationForm(form: MultipartForm): ClassificationAsked {
  const values = Object.entries(fieldsToObject(form.fields, new Set(['labels'])))
    // What a form can't say otherwise: an empty field is one that was left out.
    .filter(([, value]) => value !== '')
    .map(([name, value]) => {
      if (numbers.has(name)) return [name, fieldNumber(value)]
      return [name, name === 'multi_label' ? fieldBoolean(value) : value]
    })
  const parsed = ClassificationForm.safeParse(Object.fromEntries(values))
  if (!parsed.success) throw toValidationError(parsed.error, names)
  const { file_id: fileId, ...question } = parsed.data
  checkLabels(question)
  return { request: question, recording: recordingOf(form, fileId) }
}

/** The labels that a question names, one way or the other. */
export function labelsOf({ labels, taxonomy }: ClassificationQuestion): readonly string[] {
  return labels ?? taxonomies[taxonomy!]
}

function checkLabels({ labels, taxonomy }: ClassificationQuestion): void {
  if ((labels === undefined) !== (taxonomy === undefined)) return
  const message =
    labels === undefined
      ? `Invalid labels: it is missing. Send labels, or a taxonomy (${Object.keys(taxonomies).join(', ')}).`
      : 'Invalid taxonomy: labels were sent as well; send one of them.'
  throw new ApiError('invalid_request', { message, param: labels === undefined ? 'labels' : 'taxonomy' })
}
