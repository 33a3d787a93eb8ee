/** The recording of a form. */
import { checkFileId } from './audio-source.ts'
import { ApiError } from './errors.ts'
import { type FormFile, type MultipartForm, requiredFile } from './multipart.ts'

/** What is to be heard: a file of the form, or one that was uploaded before. */
export type Recording = { kind: 'sent'; file: FormFile } | { kind: 'uploaded'; fileId: string }

/**
 * The recording that a form carries or names.
 * @param fileId its field `file_id`
 * @throws ApiError invalid_request
 */
export function recordingOf(form: MultipartForm, fileId: string | undefined): Recording {
  if (fileId === undefined) return { kind: 'sent', file: requiredFile(form, 'file') }
  if (form.files.has('file')) {
    const message = 'Invalid file_id: file was sent as well; send one of them.'
    throw new ApiError('invalid_request', { message, param: 'file_id' })
  }
  return { kind: 'uploaded', fileId: checkFileId(fileId, 'file_id') }
}
