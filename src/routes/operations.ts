/**
 * Every operation of the API, once: a row here and a line in app.ts add one. OpenAPI's document, the page that shows
 * it, and the tests that hold each answer against it are made from these rows.
 */
import * as z from 'zod'
import { Beat, BeatReceipt, beatPath, signatureHeader } from '../protocol/beat.ts'
import { ChatCompletion, ChatCompletionChunk, ChatCompletionRequest } from '../protocol/chat-completions.ts'
import { CheckpointComparison, CheckpointComparisonRequest } from '../protocol/checkpoint-comparisons.ts'
import { Classification, ClassificationForm, ClassificationRequest } from '../protocol/classifications.ts'
import {
  CompleteUploadRequest,
  CreateUploadRequest,
  FileDeleted,
  FileList,
  FileObject,
  ListFilesQuery,
  Upload,
  UploadPart,
  UploadPartList,
} from '../protocol/files.ts'
import { EdgeReadiness, Health } from '../protocol/health.ts'
import { AuditList, CreateKeyRequest, Key, KeyList, NewKey, RotateKeyRequest } from '../protocol/keys.ts'
import { Model, ModelList } from '../protocol/models.ts'
import {
  NgramMixture,
  NgramModelCard,
  NgramModelDeleted,
  NgramModelList,
  NgramModelListQuery,
  NgramTraining,
  NgramTrainingText,
} from '../protocol/ngram-models.ts'
import { chatCompletionParameters, type ParameterSupport } from '../protocol/openai-parameters.ts'
import { Rescored, RescoreRequest } from '../protocol/rescore.ts'
import { transcriptionParameters, translationParameters } from '../protocol/transcription-parameters.ts'
import {
  Transcription,
  TranscriptionRequest,
  TranscriptionVerbose,
  TranscriptStreamEvent,
  TranslationRequest,
} from '../protocol/transcriptions.ts'

/**
 * What a body of one content type holds: `{ ChatCompletion }`, the schema under the name that it has in the document
 * (several: one of them), or a schema that isn't worth a name, or null for bytes. Of server-sent events: the data of each.
 */
export type Body = Readonly<Record<string, z.ZodType>> | z.ZodType | null
/** Bodies by their content type. */
export type Bodies = Readonly<Record<string, Body>>

/** One operation. */
export interface Operation {
  method: 'get' | 'post' | 'put' | 'delete'
  /** As Hono writes it: `/v1/models/:id`. */
  path: string
  operationId: string
  summary: string
  description?: string
  /** Parameters of the query string, as an object of strings. */
  query?: z.ZodObject
  /** What it takes. */
  request?: Bodies
  /** What becomes of each field of the request; its notes are shown in the document. */
  parameters?: Readonly<Record<string, ParameterSupport>>
  /** What it answers when all is well, by status. Errors are the same everywhere and come from their catalogue. */
  responses: Readonly<Record<number, { description: string; bodies: Bodies }>>
}

const json = (body: Body): Bodies => ({ 'application/json': body })

const recording = { file: z.file() }
/** Or `file_id`; one of them must be there. */
const recordingOrId = { file: z.file().optional() }
/** A transcript in the formats that there are. */
const transcripts: Bodies = {
  ...json({ Transcription, TranscriptionVerbose }),
  'text/plain': z.string(),
  'application/x-subrip': z.string(),
  'text/vtt': z.string(),
}

/** All of them, in the order in which a reader wants them. */
export const operations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/chat/completions',
    operationId: 'createChatCompletion',
    summary: 'Answer a conversation that may hold audio',
    request: json({ ChatCompletionRequest }),
    parameters: chatCompletionParameters,
    responses: {
      200: {
        description: 'The answer; with `stream: true`, chunks as server-sent events, ended by [DONE]',
        bodies: { ...json({ ChatCompletion }), 'text/event-stream': { ChatCompletionChunk } },
      },
    },
  },
  {
    method: 'post',
    path: '/v1/checkpoints/compare',
    operationId: 'compareCheckpoints',
    summary:
      'Answer a conversation with two checkpoints of one pack, and say how likely both find each answer',
    request: json({ CheckpointComparisonRequest }),
    responses: {
      200: {
        description: 'Both answers, scored under both checkpoints',
        bodies: json({ CheckpointComparison }),
      },
    },
  },
  {
    method: 'post',
    path: '/v1/audio/transcriptions',
    operationId: 'createTranscription',
    summary: 'Write down what is said in a recording',
    description: 'The recording is `file`, or `file_id` of one that was uploaded: one of them.',
    request: { 'multipart/form-data': { TranscriptionForm: TranscriptionRequest.extend(recordingOrId) } },
    parameters: transcriptionParameters,
    responses: {
      200: {
        description:
          'The transcript in the format that was asked for; with `stream: true`, its events, ended by [DONE]',
        bodies: { ...transcripts, 'text/event-stream': { TranscriptStreamEvent } },
      },
    },
  },
  {
    method: 'post',
    path: '/v1/audio/translations',
    operationId: 'createTranslation',
    summary: 'Write down in English what is said in a recording',
    description: 'The recording is `file`, or `file_id` of one that was uploaded: one of them.',
    request: { 'multipart/form-data': { TranslationForm: TranslationRequest.extend(recordingOrId) } },
    parameters: translationParameters,
    responses: {
      200: { description: 'The translation in the format that was asked for', bodies: transcripts },
    },
  },
  {
    method: 'post',
    path: '/v1/audio/classifications',
    operationId: 'createClassification',
    summary: 'Say which of the given labels fits a recording',
    description:
      'The model scores every label as its whole answer, behind one reading of the recording and the question, and holds ' +
      'it against what it would say of silence and noise.',
    request: {
      ...json({ ClassificationRequest }),
      'multipart/form-data': { ClassificationForm: ClassificationForm.extend(recordingOrId) },
    },
    responses: {
      200: {
        description: 'The labels, best first, and which of them fits',
        bodies: json({ Classification }),
      },
    },
  },
  {
    method: 'post',
    path: '/v1/audio/rescore',
    operationId: 'rescore',
    summary: 'Put the n-best hypotheses of any recognizer in order, by an n-gram model and hotwords',
    request: json({ RescoreRequest }),
    responses: {
      200: {
        description: 'The hypotheses, best first, with what each score is made of',
        bodies: json({ Rescored }),
      },
    },
  },
  {
    method: 'post',
    path: '/v1/ngram-models',
    operationId: 'createNgramModel',
    summary: 'Make an n-gram model of text, of an ARPA file, or of other models',
    request: {
      'multipart/form-data': { NgramModelForm: NgramTraining.extend(recording) },
      ...json({ NgramModelRequest: z.union([NgramTrainingText, NgramMixture]) }),
    },
    responses: { 200: { description: 'The model', bodies: json({ NgramModelCard }) } },
  },
  {
    method: 'get',
    path: '/v1/ngram-models',
    operationId: 'listNgramModels',
    summary: 'Your n-gram models',
    query: NgramModelListQuery,
    responses: {
      200: { description: 'A page of them, in the order of their ids', bodies: json({ NgramModelList }) },
    },
  },
  {
    method: 'get',
    path: '/v1/ngram-models/:id',
    operationId: 'retrieveNgramModel',
    summary: 'One n-gram model',
    responses: { 200: { description: 'The model', bodies: json({ NgramModelCard }) } },
  },
  {
    method: 'delete',
    path: '/v1/ngram-models/:id',
    operationId: 'deleteNgramModel',
    summary: 'Delete an n-gram model',
    responses: { 200: { description: 'It is gone', bodies: json({ NgramModelDeleted }) } },
  },
  {
    method: 'get',
    path: '/v1/models',
    operationId: 'listModels',
    summary: 'The models that can be asked',
    responses: { 200: { description: 'All models that ready workers serve', bodies: json({ ModelList }) } },
  },
  {
    method: 'get',
    path: '/v1/models/:id',
    operationId: 'retrieveModel',
    summary: 'One model',
    responses: { 200: { description: 'The model', bodies: json({ Model }) } },
  },
  {
    method: 'post',
    path: '/v1/files',
    operationId: 'createFile',
    summary: 'Keep a file, to name it in any number of requests',
    description: 'At most as large as one audio; POST /v1/uploads takes larger ones.',
    request: { 'multipart/form-data': null },
    responses: { 200: { description: 'The file', bodies: json({ FileObject }) } },
  },
  {
    method: 'get',
    path: '/v1/files',
    operationId: 'listFiles',
    summary: "The tenant's files",
    query: ListFilesQuery,
    responses: { 200: { description: 'In the order of making', bodies: json({ FileList }) } },
  },
  {
    method: 'get',
    path: '/v1/files/:id',
    operationId: 'retrieveFile',
    summary: 'What is known of a file',
    responses: { 200: { description: 'The file', bodies: json({ FileObject }) } },
  },
  {
    method: 'get',
    path: '/v1/files/:id/content',
    operationId: 'downloadFile',
    summary: 'The bytes of a file',
    responses: { 200: { description: 'As they were sent', bodies: { 'application/octet-stream': null } } },
  },
  {
    method: 'delete',
    path: '/v1/files/:id',
    operationId: 'deleteFile',
    summary: 'Delete a file; its bytes go with the last file that holds them',
    responses: { 200: { description: 'It is gone', bodies: json({ FileDeleted }) } },
  },
  {
    method: 'post',
    path: '/v1/uploads',
    operationId: 'createUpload',
    summary: 'Begin to send a large file, in parts or at once',
    request: json({ CreateUploadRequest }),
    responses: {
      200: {
        description: 'Where to send it; `direct` takes the whole file at once',
        bodies: json({ Upload }),
      },
    },
  },
  {
    method: 'get',
    path: '/v1/uploads/:id',
    operationId: 'retrieveUpload',
    summary: 'How an upload stands',
    responses: { 200: { description: 'The upload', bodies: json({ Upload }) } },
  },
  {
    method: 'put',
    path: '/v1/uploads/:id/content',
    operationId: 'uploadContent',
    summary: 'Send the whole file at once',
    request: { 'application/octet-stream': null },
    responses: { 200: { description: 'It has come; now complete it', bodies: json({ Upload }) } },
  },
  {
    method: 'post',
    path: '/v1/uploads/:id/parts',
    operationId: 'addUploadPart',
    summary: 'Send a part of at most 8 MB, as a form with the field `data` or as it is',
    request: { 'multipart/form-data': null, 'application/octet-stream': null },
    responses: { 200: { description: 'The part', bodies: json({ UploadPart }) } },
  },
  {
    method: 'get',
    path: '/v1/uploads/:id/parts',
    operationId: 'listUploadParts',
    summary: 'The parts that have come, to go on after a break',
    responses: { 200: { description: 'In no order', bodies: json({ UploadPartList }) } },
  },
  {
    method: 'post',
    path: '/v1/uploads/:id/complete',
    operationId: 'completeUpload',
    summary: 'Make a file of what was sent',
    request: json({ CompleteUploadRequest }),
    responses: { 200: { description: 'The upload with its file', bodies: json({ Upload }) } },
  },
  {
    method: 'post',
    path: '/v1/uploads/:id/cancel',
    operationId: 'cancelUpload',
    summary: 'Give an upload up',
    responses: { 200: { description: 'The upload', bodies: json({ Upload }) } },
  },
  {
    method: 'post',
    path: '/v1/admin/keys',
    operationId: 'createKey',
    summary: 'Make an API key (scope admin)',
    request: json({ CreateKeyRequest }),
    responses: {
      200: { description: 'The only answer that holds the key itself', bodies: json({ NewKey }) },
    },
  },
  {
    method: 'get',
    path: '/v1/admin/keys',
    operationId: 'listKeys',
    summary: 'The API keys (scope admin)',
    responses: { 200: { description: 'Without the keys themselves', bodies: json({ KeyList }) } },
  },
  {
    method: 'post',
    path: '/v1/admin/keys/:id/rotate',
    operationId: 'rotateKey',
    summary: 'Make a key in place of an old one, which works for a while more (scope admin)',
    request: json({ RotateKeyRequest }),
    responses: { 200: { description: 'The new key', bodies: json({ NewKey }) } },
  },
  {
    method: 'delete',
    path: '/v1/admin/keys/:id',
    operationId: 'revokeKey',
    summary: 'Refuse an API key from now on (scope admin)',
    responses: { 200: { description: 'What is known of it', bodies: json({ Key }) } },
  },
  {
    method: 'get',
    path: '/v1/admin/audit',
    operationId: 'listAudit',
    summary: 'What administrators did (scope admin)',
    responses: {
      200: { description: 'The latest hundred acts, the latest first', bodies: json({ AuditList }) },
    },
  },
  {
    method: 'post',
    path: beatPath,
    operationId: 'beat',
    summary: 'A worker registers, or says how it is',
    description: `Signed with the fleet's secret in \`${signatureHeader}\`. Only where AURICLE_FLEET_SECRET is set.`,
    request: json({ Beat }),
    responses: { 200: { description: 'It was heard', bodies: json({ BeatReceipt }) } },
  },
  {
    method: 'get',
    path: '/healthz',
    operationId: 'health',
    summary: 'Whether the process lives',
    responses: { 200: { description: 'It does', bodies: json({ Health }) } },
  },
  {
    method: 'get',
    path: '/readyz',
    operationId: 'readiness',
    summary: 'Whether requests can be answered now',
    responses: {
      200: { description: 'They can', bodies: json({ EdgeReadiness }) },
      503: { description: 'They cannot', bodies: json({ EdgeReadiness }) },
    },
  },
]
