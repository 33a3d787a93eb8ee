/** How a server that isn't ours is: whether it lives, which models it has, how much it has to do. */
import type { Model } from '../../protocol/models.ts'
import type { OpenAiUpstream, WorkerState } from '../choose.ts'
import type { WorkerFetch } from '../worker-fetch.ts'
import { countOf, type Json, listOf, objectOf, stringOf } from './json.ts'

/** From here on its cache of keys and values takes no more requests without putting off others. */
const fullCache = 0.95

/**
 * Asks for its models and, side by side, for its health and load, which vLLM tells and others needn't.
 * @throws what fetch throws where it can't be reached
 */
export async function probeUpstream(
  { url, openai }: { url: string; openai: OpenAiUpstream },
  { fetch, signal, nowMs }: { fetch: WorkerFetch; signal: AbortSignal; nowMs: () => number },
): Promise<WorkerState> {
  const [list, health, metrics] = await Promise.all([
    fetch(`${url}/v1/models`, { signal, headers: authorization(openai) }),
    fetch(`${url}/health`, { signal }),
    fetch(`${url}/metrics`, { signal }),
  ])
  const text = await metrics.text()
  await health.body?.cancel()
  const cards = cardsOf(openai, await list.json().catch(() => null))
  const checkedAtMs = nowMs()
  if (!list.ok || health.status >= 500 || cards.length === 0) {
    return { kind: 'not-ready', models: Object.keys(openai.models), checkedAtMs }
  }
  const models = cards.map(([ours]) => ours)
  return {
    kind: 'ready',
    models,
    load: loadOf(metrics.ok ? text : '', openai.slots),
    cachedAudio: null,
    checkedAtMs,
  }
}

/** Its models under our names. @throws what fetch throws */
export async function modelsOfUpstream(
  { url, openai }: { url: string; openai: OpenAiUpstream },
  fetch: WorkerFetch,
  signal: AbortSignal,
): Promise<Model[]> {
  const response = await fetch(`${url}/v1/models`, { signal, headers: authorization(openai) })
  return cardsOf(openai, await response.json()).map(([id, card]) => {
    const contextLength = countOf(card['max_model_len'])
    return {
      id,
      object: 'model',
      created: countOf(card['created']),
      owned_by: stringOf(card['owned_by']) ?? 'upstream',
      tasks: openai.transcription === 'endpoint' ? ['transcription'] : ['chat', 'transcription'],
      ...(contextLength > 0 && { context_length: contextLength }),
    }
  })
}

/**
 * The load that vLLM's metrics tell, summed over its engines; none where they don't.
 * @param text in Prometheus's format
 * @param slots how many requests it is given at once; fewer count while it can't take more
 */
export function loadOf(text: string, slots: number): { running: number; waiting: number; slots: number } {
  const running = Math.round(sum(samples(text, 'vllm:num_requests_running')))
  const waiting = Math.round(sum(samples(text, 'vllm:num_requests_waiting')))
  const cache = Math.max(
    0,
    ...samples(text, 'vllm:kv_cache_usage_perc'),
    ...samples(text, 'vllm:gpu_cache_usage_perc'),
  )
  const isFull = waiting > 0 || cache > fullCache
  return { running, waiting, slots: isFull ? Math.min(slots, Math.max(1, running)) : slots }
}

/** The values of a metric, whatever its labels. */
function samples(text: string, name: string): number[] {
  const pattern = new RegExp(`^${name}(?:\\{[^\\n]*\\})? (\\S+)`, 'gm')
  return [...text.matchAll(pattern)].map(match => Number(match[1])).filter(Number.isFinite)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function authorization({ apiKey }: OpenAiUpstream): Record<string, string> {
  return apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }
}

/** What `GET /v1/models` says of the models that are asked for under our names. */
function cardsOf(openai: OpenAiUpstream, list: unknown): [string, Json][] {
  const cards = listOf(objectOf(list)?.['data']).map(objectOf)
  return Object.entries(openai.models).flatMap(([ours, theirs]): [string, Json][] => {
    const card = cards.find(each => each?.['id'] === theirs)
    return card ? [[ours, card]] : []
  })
}
