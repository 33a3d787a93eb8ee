/**
 * `/v1/files` and `/v1/uploads`, in OpenAI's shapes: a file is uploaded once and then named by its id in any number of
 * requests. What is ours beyond OpenAI's says so.
 */
import * as z from 'zod'

/** Longest life of a file, and the one that it has unless the request says another: 30 days. */
export const maxFileSeconds = 30 * 86_400
/** An upload that isn't completed in so long is gone. */
export const uploadSeconds = 3600
/** Bytes of the largest file. */
export const maxFileBytes = 512 * 1024 * 1024
/** Bytes of one part of an upload. */
export const maxPartBytes = 8 * 1024 * 1024
/** Parts of one upload. */
export const maxUploadParts = 1000

const unixSeconds = z.int().min(0)
const name = z
  .string()
  .min(1)
  .max(255)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  .regex(/^[^\x00-\x1f\x7f/\\]+$/, 'expected a name without slashes and control characters')
/** Why a file is here; OpenAI requires it, here it changes nothing. */
const purpose = z.string().max(64).default('user_data')

/** A file that is kept. */
export const FileObject = z.object({
  id: z.string(),
  object: z.literal('file'),
  bytes: unixSeconds,
  created_at: unixSeconds,
  expires_at: unixSeconds,
  filename: z.string(),
  purpose: z.string(),
  status: z.literal('processed'),
  /** Ours: SHA-256 of its bytes in hexadecimal, which is the `audio_id` of its audio. */
  sha256: z.string(),
})
export type FileObject = z.infer<typeof FileObject>

export const FileList = z.object({
  object: z.literal('list'),
  data: z.array(FileObject),
  has_more: z.boolean(),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
})
export type FileList = z.infer<typeof FileList>

export const FileDeleted = z.object({ id: z.string(), object: z.literal('file'), deleted: z.literal(true) })
export type FileDeleted = z.infer<typeof FileDeleted>

/** Query of `GET /v1/files`. */
export const ListFilesQuery = z.object({
  limit: z.coerce.number<string>().int().min(1).max(1000).default(100),
  after: z.string().max(64).optional(),
})

export const CreateUploadRequest = z.strictObject({
  filename: name,
  /** Of the whole file, exactly. */
  bytes: z.int().min(1).max(maxFileBytes),
  mime_type: z
    .string()
    .max(100)
    .regex(
      /^(audio|video)\/[\w.+-]+$|^application\/(ogg|octet-stream)$/,
      'expected the type of audio or video',
    ),
  purpose,
  /** The file's life; 30 days unless said. */
  expires_after: z
    .strictObject({ anchor: z.literal('created_at'), seconds: z.int().min(3600).max(maxFileSeconds) })
    .optional(),
})
export type CreateUploadRequest = z.infer<typeof CreateUploadRequest>

/** Ours: how to send the whole file at once, straight to where it is kept. */
export const DirectUpload = z.object({
  method: z.enum(['POST', 'PUT']),
  url: z.string(),
  /** POST: the form's fields, before the file, which is named `file`. PUT: null, the body is the file. */
  fields: z.record(z.string(), z.string()).nullable(),
})
export type DirectUpload = z.infer<typeof DirectUpload>

/** A file on its way. */
export const Upload = z.object({
  id: z.string(),
  object: z.literal('upload'),
  bytes: unixSeconds,
  created_at: unixSeconds,
  expires_at: unixSeconds,
  filename: z.string(),
  purpose: z.string(),
  status: z.enum(['pending', 'completed', 'cancelled']),
  file: FileObject.nullable(),
  direct: DirectUpload.nullable(),
})
export type Upload = z.infer<typeof Upload>

export const UploadPart = z.object({
  id: z.string(),
  object: z.literal('upload.part'),
  created_at: unixSeconds,
  upload_id: z.string(),
})
export type UploadPart = z.infer<typeof UploadPart>

/** Parts that have come, so that a broken upload can go on. Ours. */
export const UploadPartList = z.object({ object: z.literal('list'), data: z.array(UploadPart) })
export type UploadPartList = z.infer<typeof UploadPartList>

export const CompleteUploadRequest = z.strictObject({
  /** In the order of the file. Left out where the file was sent at once (ours). */
  part_ids: z.array(z.string()).min(1).max(maxUploadParts).optional(),
  /** Ours: SHA-256 of the whole file in hexadecimal; another one is an error. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
})
export type CompleteUploadRequest = z.infer<typeof CompleteUploadRequest>
