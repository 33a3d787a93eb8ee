/**
 * A thread that keeps a worker busy in every way at once, until it is told to stop: streams that decode, long
 * prompts that are prefilled, recordings that are decoded and encoded, none of which any cache knows. Apart from
 * whoever measures, whose event loop then waits for nobody.
 */
import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { cutClips } from './clips.ts'
import { type ChatQuestion, streamChat } from './stream-chat.ts'

/** What the thread is given; it answers 'busy' when all have been sent, and its totals in the end. */
export interface LoadSettings {
  readonly baseUrl: string
  /** Streams at the same time. */
  readonly streams: number
}

export interface LoadTotals {
  readonly answers: number
  readonly failures: number
}

const CLIP_SECONDS = 8
const CLIPS = 200
const PROMPT_WORDS = 90

const { baseUrl, streams } = workerData as LoadSettings
const stopped = new AbortController()
const totals = { answers: 0, failures: 0 }
let sent = 0

async function keepAsking(next: () => ChatQuestion): Promise<void> {
  while (!stopped.signal.aborted) {
    try {
      await streamChat(baseUrl, next(), stopped.signal)
      totals.answers += 1
    } catch {
      if (!stopped.signal.aborted) totals.failures += 1
    }
  }
}

const clips = await cutClips(CLIPS, CLIP_SECONDS)
const number = () => String(sent++)
const words = () => Array.from({ length: PROMPT_WORDS }, (_, index) => `${index * sent} bees`).join(' ')
const load = [
  ...Array.from({ length: streams }, () =>
    keepAsking(() => ({ audio: null, text: `Tell a long story. ${number()}`, maxTokens: 400 })),
  ),
  keepAsking(() => ({ audio: null, text: `${number()} ${words()}`, maxTokens: 4 })),
  keepAsking(() => ({ audio: clips[Number(number()) % CLIPS]!, text: 'What is said?', maxTokens: 4 })),
]
parentPort!.postMessage('busy')
await once(parentPort!, 'message')
stopped.abort()
await Promise.all(load)
parentPort!.postMessage(totals satisfies LoadTotals)
