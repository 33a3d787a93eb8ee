/** The request as the scheduler sees it, and what is refused before it gets there. */
import { ApiError } from '../../src/protocol/errors.ts'
import type { PromptContent } from './prefix-cache.ts'
import type { NewSequence } from './sequence.ts'
import type { EngineRequest, TokenEmbeddings } from './types.ts'

/**
 * @throws ApiError `model_not_found`, `context_length_exceeded`
 * @throws RangeError when the embeddings aren't those of the ids
 */
export function checkRequest(
  { prompt, checkpoint }: EngineRequest,
  { embeddings, hasCheckpoint }: { embeddings: TokenEmbeddings; hasCheckpoint(name: string): boolean },
  contextLength: number,
): void {
  if (checkpoint !== null && !hasCheckpoint(checkpoint)) {
    throw new ApiError('model_not_found', { message: `There is no checkpoint ${checkpoint}.` })
  }
  const length = prompt.ids.length
  if (length >= contextLength) throw promptTooLong(length, contextLength)
  if (prompt.embeddings.length !== length * embeddings.hiddenSize) {
    throw new RangeError(`${length} ids came with ${prompt.embeddings.length} elements of embeddings.`)
  }
}

/** The error for a prompt that leaves no room for its answer. */
export function promptTooLong(length: number, contextLength: number): ApiError {
  return new ApiError('context_length_exceeded', {
    message: `The prompt has ${length} tokens; the context has room for ${contextLength}, the answer included.`,
  })
}

/**
 * @param id the engine's own
 * @param vocabularySize ids from here on stand for spliced vectors
 * @param fork what it has in common with others; without it, nothing
 */
export function toNewSequence(
  id: string,
  request: EngineRequest,
  submittedMs: number,
  vocabularySize: number,
  fork: Partial<Pick<NewSequence, 'family' | 'tokens'>> = {},
): NewSequence {
  const { checkpoint, tenant = '', priority = 'normal', queueTimeoutMs, deadlineMs = null } = request
  return {
    id,
    tenant,
    priority,
    checkpoint,
    prompt: contentOf(request, tenant, vocabularySize),
    family: fork.family ?? id,
    tokens: fork.tokens ?? [],
    sources: fork.family === undefined ? sourcesOf(request, vocabularySize) : [],
    maxTokens: request.maxTokens,
    stopIds: request.stopIds,
    admitByMs: queueTimeoutMs === undefined ? null : submittedMs + queueTimeoutMs,
    deadlineMs,
  }
}

/** What an answer may repeat: what was heard, then the prompt, without what stands for spliced vectors. */
function sourcesOf({ prompt }: EngineRequest, vocabularySize: number): Int32Array[] {
  const written = prompt.ids.map(id => (id < vocabularySize ? id : -1))
  return prompt.heard === undefined ? [written] : [prompt.heard, written]
}

function contentOf(
  { prompt, checkpoint }: EngineRequest,
  tenant: string,
  vocabularySize: number,
): PromptContent {
  const { ids, spans } = prompt
  // Without spans nobody says what the vectors in place of virtual ids depend on.
  const firstSpliced = spans ? -1 : ids.findIndex(id => id >= vocabularySize)
  return {
    scope: JSON.stringify([tenant, checkpoint]),
    ids,
    spans: spans ?? [],
    shareable: firstSpliced < 0 ? ids.length : firstSpliced,
  }
}
