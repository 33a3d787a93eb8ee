/** A chat model for tests: it answers with given tokens, and hears how long an audio is. No weights, no ONNX. */
import type { EngineRequest } from './engine/types.ts'
import type { ChatModel } from './model/chat-model.ts'
import type { Pack } from './model/pack.ts'
import { tensor } from './runtime/tensor.ts'
import { tinyTokenizer } from './text/tiny-tokenizer.ts'

const END = 999

export interface FakeChatModel extends ChatModel {
  /** What the engine was asked for. */
  readonly requests: EngineRequest[]
  /** The continuations of every prompt that were scored. */
  readonly scored: (readonly (readonly number[])[])[]
  /** Samples of every audio that it heard. */
  readonly heard: number[]
  /** How each answer ended; 'aborted' when nobody wanted the rest. */
  readonly endings: string[]
}

/**
 * @param answer what it says to everything, a token a byte
 * @param options.failAfter tokens after which the engine throws
 * @param options.endless repeats the answer until it is aborted, whatever the limit
 */
export function fakeChatModel(
  answer: string,
  options: { failAfter?: number; endless?: boolean } = {},
): FakeChatModel {
  const tokenizer = tinyTokenizer()
  const requests: EngineRequest[] = []
  const endings: string[] = []
  const scored: FakeChatModel['scored'] = []
  const heard: number[] = []
  const ids = tokenizer.encode(answer)
  return {
    requests,
    scored,
    endings,
    heard,
    tokenizer,
    pack: { manifest: { name: 'fake' } } as Pack,
    stopIds: new Set([END]),
    generation: { temperature: 0, topP: 1, topK: 0, repetitionPenalty: 1, maxTokens: 100 },
    checkpoints: ['sft', 'dpo'],
    defaultCheckpoint: 'sft',
    engine: {
      contextLength: 200,
      embeddings: { vocabularySize: 256, hiddenSize: 1, lookup: () => {} },
      stats: () => ({
        running: 0,
        waiting: 0,
        waitingByPriority: { high: 0, normal: 0, low: 0 },
        slots: 4,
        slotsFree: 4,
        kvUsage: 0,
        kvPositions: { budget: 800, running: 0, cached: 0 },
        kvBytesReserved: 0,
        kvBytesUsed: 0,
        steps: 0,
        tokensGenerated: 0,
        promptTokens: 0,
        promptTokensReused: 0,
        preemptions: 0,
        ended: { stop: 0, length: 0, aborted: 0, failed: 0, expired: 0, refused: 0 },
      }),
      close: async () => {},
      addCheckpoint: () => {},
      removeCheckpoint: () => {},
      async score({ continuations }) {
        scored.push(continuations)
        const timings = { queuedMs: 0, prefillMs: 0, decodeMs: 0, reusedTokens: 0 }
        return { logprobs: continuations.map(tokens => tokens.map(id => -id / 256)), timings }
      },
      async *generate(request) {
        requests.push(request)
        let ending = 'aborted'
        try {
          const timings = { queuedMs: 0, prefillMs: 0, decodeMs: 0, reusedTokens: 0 }
          for (let k = 0; options.endless || k <= ids.length; k++) {
            await new Promise(resolve => setImmediate(resolve))
            if (request.signal.aborted) return yield { type: 'end', reason: 'aborted', timings }
            if (k === options.failAfter) throw new Error('a secret of the engine')
            if (!options.endless && k >= request.maxTokens) {
              ending = 'length'
              return yield { type: 'end', reason: 'length', timings }
            }
            const id = options.endless ? ids[k % ids.length]! : (ids[k] ?? END)
            const logprob = request.sampling.topLogprobs === null ? null : -0.25
            yield { type: 'token', id, logprob, topLogprobs: logprob === null ? [] : [{ id, logprob }] }
          }
          ending = 'stop'
          yield { type: 'end', reason: 'stop', timings }
        } finally {
          endings.push(ending)
        }
      },
    },
    hasRecognizer: true,
    adapterFor: (checkpoint, hasAudio) => (hasAudio ? checkpoint : null),
    holdCheckpoint: async () => ({ [Symbol.dispose]: () => {} }),
    hearingIdentity: 'fake',
    projectionIdentity: checkpoint => `fake-${checkpoint}`,
    async hearAudio(samples, { signal }) {
      signal.throwIfAborted()
      heard.push(samples.length)
      const features = tensor('float32', Float32Array.of(samples.length), [1, 1, 1])
      return [{ features, speech: null, startSeconds: 0, endSeconds: samples.length / 16_000 }]
    },
    async projectAudio(windows) {
      return windows.map(({ features, startSeconds, endSeconds }) => ({
        ids: [7],
        rows: features.data,
        transcript: null,
        unbiasedTranscript: null,
        startSeconds,
        endSeconds,
      }))
    },
    renderChat(messages, audios) {
      const text = messages
        .flatMap(({ content }) => content)
        .map(part => (part.type === 'text' ? part.text : ''))
      const length = text.join('').length + audios.length
      return {
        prompt: { ids: new Int32Array(length), embeddings: new Float32Array(length) },
        audioTokens: audios.length,
      }
    },
    close: async () => {},
  }
}
