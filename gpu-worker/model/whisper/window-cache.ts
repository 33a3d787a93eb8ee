/** Windows of audio that Whisper's encoder has seen, whoever asked: chat and transcription share them. */
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { EncodedSpeech, WhisperEncoder } from './encoder.ts'

export interface WindowCacheStats {
  readonly entries: number
  readonly bytes: number
  readonly maxBytes: number
  readonly hits: number
  readonly misses: number
}

/** Bounded by bytes; the window that was used longest ago goes first. 30 s of tiny.en take 21 MB. */
export class WindowCache {
  readonly #windows: LRUCache<string, EncodedSpeech>
  readonly #counters = { hits: 0, misses: 0 }

  /** @param maxBytes 0 keeps nothing */
  constructor(maxBytes: number) {
    this.#windows = new LRUCache({ maxSize: Math.max(1, maxBytes), sizeCalculation: bytesOf })
  }

  get(key: string): EncodedSpeech | null {
    const window = this.#windows.get(key) ?? null
    this.#counters[window === null ? 'misses' : 'hits']++
    return window
  }

  set(key: string, window: EncodedSpeech): void {
    this.#windows.set(key, window)
  }

  stats(): WindowCacheStats {
    const { size: entries, calculatedSize: bytes, maxSize: maxBytes } = this.#windows
    return { entries, bytes, maxBytes, ...this.#counters }
  }
}

/** An encoder that looks into the cache first. What it gives is shared: nobody writes into it. */
export class CachedEncoder {
  readonly #encoder: Pick<WhisperEncoder, 'encode'>
  readonly #identity: string
  readonly #cache: WindowCache

  /** @param identity of the pack whose encoder it is; see `identityOf` */
  constructor(encoder: Pick<WhisperEncoder, 'encode'>, identity: string, cache: WindowCache) {
    this.#encoder = encoder
    this.#identity = identity
    this.#cache = cache
  }

  /**
   * @param samples at most 30 s, 16 kHz mono
   * @param who nothing that one tenant's audio left is used for another's
   */
  async encode(
    samples: Float32Array,
    who: { readonly tenant: string; readonly signal: AbortSignal },
  ): Promise<EncodedSpeech> {
    const content = createHash('sha256').update(bytesIn(samples)).digest('hex')
    const key = JSON.stringify([this.#identity, who.tenant, content])
    const kept = this.#cache.get(key)
    if (kept !== null) return kept
    const encoded = await this.#encoder.encode(samples, who.signal)
    this.#cache.set(key, encoded)
    return encoded
  }
}

function bytesOf({ features, cross }: EncodedSpeech): number {
  return [features, ...Object.values(cross)].reduce((sum, { data }) => sum + data.byteLength, 0)
}

function bytesIn(samples: Float32Array): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)
}
