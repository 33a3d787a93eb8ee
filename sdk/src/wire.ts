/**
 * What goes over the wire, as types. In the repository they are inferred from the server's own schemas; the built
 * package has them written out (`build/wire-types.ts`), so that it needs neither the server nor zod.
 */
import type * as z from 'zod'
import type * as chat from '../../src/protocol/chat-completions.ts'
import type * as errors from '../../src/protocol/errors.ts'
import type * as models from '../../src/protocol/models.ts'

export type ChatCompletionRequest = z.input<typeof chat.ChatCompletionRequest>
export type ChatCompletion = z.output<typeof chat.ChatCompletion>
export type ChatCompletionChunk = z.output<typeof chat.ChatCompletionChunk>
export type Model = z.output<typeof models.Model>
export type ModelList = z.output<typeof models.ModelList>
export type ErrorCode = errors.ErrorCode
