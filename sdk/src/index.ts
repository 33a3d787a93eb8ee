/** `@auricle/sdk`: the TypeScript client of Auricle. */
export type { AudioInput, Samples } from './audio.ts'
export { Auricle } from './client.ts'
export {
  AbortedError,
  ApiError,
  AuricleError,
  AuthenticationError,
  ConnectionError,
  InvalidRequestError,
  NotFoundError,
  OutputError,
  RateLimitError,
  ServerError,
  TimeoutError,
} from './errors.ts'
export { EventStream } from './event-stream.ts'
export type { OutputOf, OutputSchema, StandardJsonSchema, StandardSchema } from './output.ts'
export type {
  TranscriptDone,
  TranscriptFormat,
  TranscriptionParams,
  TranscriptOf,
  TranslationParams,
} from './resources/audio.ts'
export type {
  AudioPart,
  ChatEvent,
  ChatOutputParams,
  ChatParams,
  ContentPart,
  Message,
} from './resources/chat-completions.ts'
export type { ComparisonParams } from './resources/checkpoints.ts'
export type { ClassificationOf, ClassificationParams, TaxonomyParams } from './resources/classifications.ts'
export type { NgramModelFileParams, NgramModelParams } from './resources/ngram-models.ts'
export type { SendOptions } from './resources/uploads.ts'
export type { ClientOptions, RequestOptions } from './transport.ts'
export type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
  CheckpointComparison,
  Classification,
  CompleteUploadRequest,
  CreateUploadRequest,
  ErrorCode,
  FileDeleted,
  FileList,
  FileObject,
  Model,
  ModelList,
  NgramModelCard,
  NgramModelDeleted,
  NgramModelList,
  Rescored,
  RescoreRequest,
  Transcription,
  TranscriptionVerbose,
  TranscriptStreamEvent,
  Upload,
  UploadPart,
} from './wire.ts'
