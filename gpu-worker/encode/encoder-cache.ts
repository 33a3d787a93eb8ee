/**
 * What was heard, by content: the second question about an audio pays for no encoder.
 *
 * An entry is an audio of one tenant as models of one hearing identity hear it, with the embeddings that each
 * checkpoint made of it. It lives in memory, within a bound of bytes, and where there is a disk tier what was
 * heard outlives the process. Who asks for what is just being heard waits for it.
 */
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { ApiError } from '../../src/protocol/errors.ts'
import type { DecodedAudio } from '../audio/decode.ts'
import type { ChatModel, EncodedAudio, EncodedWindow } from '../model/chat-model.ts'
import type { DiskTier, DiskTierStats } from './disk-tier.ts'
import type { EncodeFor } from './encode-queue.ts'
import { type HeardAudio, heardBytes, readHeard, recordOf } from './heard-audio.ts'
import { SingleFlight } from './single-flight.ts'

/** An audio that is asked about. */
export interface AskedAudio {
  /** SHA-256 of the file's bytes, 64 hex digits. */
  readonly id: string
  /** Its samples, asked for only where they are needed; null when the caller sent nothing but the id. */
  readonly decode:
    | ((signal: AbortSignal) => Promise<Pick<DecodedAudio, 'samples' | 'durationSeconds'>>)
    | null
}

export interface EncoderCacheStats {
  readonly entries: number
  readonly bytes: number
  readonly maxBytes: number
  /** Audios asked for that were heard already, or just being heard. */
  readonly hits: number
  readonly misses: number
  /** Audios that are being heard. */
  readonly underWay: number
  readonly disk: DiskTierStats | null
}

/** The part of a model that hears. */
export type Hearing = Pick<ChatModel, 'hearingIdentity' | 'projectionIdentity' | 'hearAudio' | 'projectAudio'>

interface Entry {
  readonly heard: HeardAudio
  /** By projection identity. */
  readonly projected: ReadonlyMap<string, EncodedAudio>
}

/** More than 20 minutes of what pocket hears. */
const DEFAULT_BYTES = 128 * 1024 * 1024

export class EncoderCache {
  readonly #entries: LRUCache<string, Entry>
  readonly #disk: DiskTier | null
  readonly #hearing = new SingleFlight<HeardAudio>()
  readonly #projecting = new SingleFlight<EncodedAudio>()
  readonly #counters = { hits: 0, misses: 0 }

  /** @param options.maxBytes of memory; 0 keeps nothing there */
  constructor(options: { maxBytes?: number; disk?: DiskTier | null } = {}) {
    const { maxBytes = DEFAULT_BYTES, disk = null } = options
    this.#entries = new LRUCache({ maxSize: Math.max(1, maxBytes), sizeCalculation: bytesOf })
    this.#disk = disk
  }

  /**
   * An audio as it enters a prompt; decoded and heard only if it isn't here.
   * @throws ApiError `audio_not_cached` for an id alone that isn't here (any more), and whatever decoding throws
   */
  async encode(audio: AskedAudio, model: Hearing, checkpoint: string, who: EncodeFor): Promise<EncodedAudio> {
    const key = keyOf(model.hearingIdentity, who.tenant, audio.id)
    const projection = model.projectionIdentity(checkpoint)
    const projected = this.#entries.get(key)?.projected.get(projection)
    if (projected !== undefined) {
      this.#counters.hits++
      return projected
    }
    const heard = await this.#heard(key, audio, model, who)
    return this.#projecting.run(`${key}/${projection}`, who.signal, async signal => {
      const windows = await model.projectAudio(heard.windows, checkpoint, signal)
      const { durationSeconds } = heard
      const encoded = { id: audio.id, windows, durationSeconds, contentHash: `${projection}:${audio.id}` }
      const others = this.#entries.get(key)?.projected ?? []
      this.#entries.set(key, { heard, projected: new Map([...others, [projection, encoded]]) })
      return encoded
    })
  }

  /** Ids of all audios that are here, in memory or on disk; those of any tenant. */
  ids(): string[] {
    const keys = [...this.#entries.keys(), ...(this.#disk?.keys() ?? [])]
    return [...new Set(keys.map(key => key.slice(key.lastIndexOf('/') + 1)))]
  }

  stats(): EncoderCacheStats {
    const { size: entries, calculatedSize: bytes, maxSize: maxBytes } = this.#entries
    const disk = this.#disk?.stats() ?? null
    return { entries, bytes, maxBytes, underWay: this.#hearing.size, ...this.#counters, disk }
  }

  /** Waits for what is still being written to disk. */
  async close(): Promise<void> {
    await this.#disk?.settled()
  }

  async #heard(key: string, audio: AskedAudio, model: Hearing, who: EncodeFor): Promise<HeardAudio> {
    const kept = this.#entries.get(key)?.heard ?? this.#hearing.join(key, who.signal)
    if (kept !== null) {
      this.#counters.hits++
      return kept
    }
    const { decode } = audio
    // An id alone begins nothing that others might join: it could only fail.
    if (decode === null) return this.#recalled(key)
    return this.#hearing.run(key, who.signal, async signal => {
      const stored = await this.#stored(key)
      if (stored !== null) return stored
      this.#counters.misses++
      const { samples, durationSeconds } = await decode(signal)
      const heard = { durationSeconds, windows: await model.hearAudio(samples, { ...who, signal }) }
      this.#entries.set(key, { heard, projected: new Map() })
      void this.#disk?.set(key, recordOf(heard))
      return heard
    })
  }

  async #recalled(key: string): Promise<HeardAudio> {
    const stored = await this.#stored(key)
    if (stored !== null) return stored
    this.#counters.misses++
    throw new ApiError('audio_not_cached', {
      message: 'The audio of this id is not here, or not any more. Send the audio itself again.',
    })
  }

  /** From the disk, and from then on in memory. */
  async #stored(key: string): Promise<HeardAudio | null> {
    const record = await this.#disk?.get(key)
    const heard = record ? readHeard(record) : null
    if (heard === null) return null
    this.#counters.hits++
    this.#entries.set(key, { heard, projected: new Map() })
    return heard
  }
}

/** A path of names that are safe as files; a tenant's name needn't be. */
function keyOf(hearingIdentity: string, tenant: string, audioId: string): string {
  const tenantName = createHash('sha256').update(tenant).digest('hex')
  return `${hearingIdentity}/${tenantName}/${audioId}`
}

function bytesOf({ heard, projected }: Entry): number {
  const windows = [...projected.values()].flatMap((encoded): readonly EncodedWindow[] => encoded.windows)
  return windows.reduce((sum, { rows, ids }) => sum + rows.byteLength + 8 * ids.length, heardBytes(heard))
}
