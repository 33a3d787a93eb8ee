/** One sequence through the engine's model runner, for its logits: the engine itself gives only what it samples. */
import type { ModelRunner } from '../../gpu-worker/engine/model-runner.ts'
import type { Plan } from '../../gpu-worker/engine/plan.ts'
import type { Prompt } from '../../gpu-worker/engine/types.ts'

/** As the engine reads prompts while nothing else runs. */
const PREFILL_CHUNK = 256

/**
 * The logits [vocabulary] after the prompt, and after each token of an answer; each holds until the next is asked for.
 * The tokens are given, so that one difference doesn't hide the next.
 */
export async function* logitsOf(
  runner: ModelRunner,
  { ids: { length }, embeddings }: Prompt,
  answer: readonly number[],
): AsyncGenerator<Float32Array, void> {
  const part = { id: 'a', checkpoint: null, slot: 0 }
  for (let start = 0; start < length; start += PREFILL_CHUNK) {
    const count = Math.min(PREFILL_CHUNK, length - start)
    const chunk = { ...part, start, count, samples: start + count === length }
    yield* run(runner, { slotLengths: [start], prefills: [chunk] }, embeddings)
  }
  for (const [step, token] of answer.entries()) {
    const position = length + step
    const row = { ...part, token, position, samples: true, drafts: [] }
    yield* run(runner, { slotLengths: [position], decodes: [row] }, embeddings)
  }
}

async function* run(runner: ModelRunner, plan: Partial<Plan>, embeddings: Float32Array) {
  const whole = { moves: [], decodes: [], prefills: [], slotLengths: [], ...plan }
  const { signal } = new AbortController()
  for await (const result of runner.execute(whole, new Map([['a', { embeddings, signal }]]))) {
    if (result.kind === 'failed') throw result.error
    if (result.kind === 'logits') yield* result.logits
  }
}
