/** Streams through an engine of this process, and when each of their tokens came. */
import type { Engine } from '../gpu-worker/engine/engine.ts'
import type { Prompt } from '../gpu-worker/engine/types.ts'
import { GREEDY } from '../gpu-worker/sampling/options.ts'

let requests = 0

/** Generates for all prompts at once; when each token came, in ms from the start. */
export async function generateAll(
  engine: Engine,
  prompts: readonly Prompt[],
  checkpoint: string | null,
  tokens: number,
): Promise<number[][]> {
  const startedMs = performance.now()
  return Promise.all(
    prompts.map(async prompt => {
      const arrivals: number[] = []
      const events = engine.generate({
        id: `bench-${requests++}`,
        prompt,
        checkpoint,
        maxTokens: tokens,
        stopIds: new Set(),
        sampling: GREEDY,
        signal: new AbortController().signal,
      })
      for await (const event of events) {
        if (event.type === 'token') arrivals.push(performance.now() - startedMs)
      }
      return arrivals
    }),
  )
}

/** A prompt of text alone. */
export function promptOf({ embeddings }: Engine, ids: readonly number[]): Prompt {
  const rows = new Float32Array(ids.length * embeddings.hiddenSize)
  ids.forEach((id, i) => {
    embeddings.lookup(id, rows, i * embeddings.hiddenSize)
  })
  return { ids: Int32Array.from(ids), embeddings: rows }
}
