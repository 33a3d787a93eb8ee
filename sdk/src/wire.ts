/**
 * What goes over the wire, as types. In the repository they are inferred from the server's own schemas; the built
 * package has them written out (`build/wire-types.ts`), so that it needs neither the server nor zod.
 */
import type * as z from 'zod'
import type * as chat from '../../src/protocol/chat-completions.ts'
import type * as comparisons from '../../src/protocol/checkpoint-comparisons.ts'
import type * as classifications from '../../src/protocol/classifications.ts'
import type * as errors from '../../src/protocol/errors.ts'
import type * as files from '../../src/protocol/files.ts'
import type * as models from '../../src/protocol/models.ts'
import type * as ngramModels from '../../src/protocol/ngram-models.ts'
import type * as rescore from '../../src/protocol/rescore.ts'
import type * as transcriptions from '../../src/protocol/transcriptions.ts'

export type ChatCompletionRequest = z.input<typeof chat.ChatCompletionRequest>
export type ChatCompletion = z.output<typeof chat.ChatCompletion>
export type ChatCompletionChunk = z.output<typeof chat.ChatCompletionChunk>
export type TranscriptionForm = z.input<typeof transcriptions.TranscriptionRequest> & {
  file?: File | undefined
}
export type Transcription = z.output<typeof transcriptions.Transcription>
export type TranscriptionVerbose = z.output<typeof transcriptions.TranscriptionVerbose>
export type TranscriptStreamEvent = z.output<typeof transcriptions.TranscriptStreamEvent>
export type TranslationForm = z.input<typeof transcriptions.TranslationRequest> & { file?: File | undefined }
export type ClassificationRequest = z.input<typeof classifications.ClassificationRequest>
export type ClassificationForm = z.input<typeof classifications.ClassificationForm> & {
  file?: File | undefined
}
export type Classification = z.output<typeof classifications.Classification>
export type CheckpointComparisonRequest = z.input<typeof comparisons.CheckpointComparisonRequest>
export type CheckpointComparison = z.output<typeof comparisons.CheckpointComparison>
export type RescoreRequest = z.input<typeof rescore.RescoreRequest>
export type Rescored = z.output<typeof rescore.Rescored>
export type NgramModelForm = z.input<typeof ngramModels.NgramTraining> & { file: File }
export type NgramModelRequest = z.input<
  typeof ngramModels.NgramTrainingText | typeof ngramModels.NgramMixture
>
export type NgramModelCard = z.output<typeof ngramModels.NgramModelCard>
export type NgramModelList = z.output<typeof ngramModels.NgramModelList>
export type NgramModelDeleted = z.output<typeof ngramModels.NgramModelDeleted>
export type CreateUploadRequest = z.input<typeof files.CreateUploadRequest>
export type CompleteUploadRequest = z.input<typeof files.CompleteUploadRequest>
export type Upload = z.output<typeof files.Upload>
export type UploadPart = z.output<typeof files.UploadPart>
export type FileObject = z.output<typeof files.FileObject>
export type FileList = z.output<typeof files.FileList>
export type FileDeleted = z.output<typeof files.FileDeleted>
export type Model = z.output<typeof models.Model>
export type ModelList = z.output<typeof models.ModelList>
export type ErrorCode = errors.ErrorCode
