/** `@auricle/sdk`: the TypeScript client of Auricle. */
export type { AudioInput, Samples } from './audio.ts'
export { Auricle } from './client.ts'
export * from './errors.ts'
export { EventStream } from './event-stream.ts'
export type { OutputOf, OutputSchema, StandardJsonSchema, StandardSchema } from './output.ts'
export type {
  AudioPart,
  ChatEvent,
  ChatOutputParams,
  ChatParams,
  ContentPart,
  Message,
} from './resources/chat-completions.ts'
export type { ClientOptions, RequestOptions } from './transport.ts'
export type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
  ErrorCode,
  Model,
  ModelList,
} from './wire.ts'
