/** From the text of a key to its record: hash, find, compare, not expired, not revoked. */
import type { KeyRecord } from '../protocol/keys.ts'
import { equalsInConstantTime, idOfApiKey, sha256Hex } from './api-key.ts'
import type { KeyStore } from './key-store.ts'

/** How long a record is relied on before it is read again: so long a revoked key may still work. */
export const recordLifetimeMs = 30_000
/** Records kept at once; ids that are nobody's are not kept, so that guessing fills nothing. */
const maxRecords = 10_000
/** What the hash of a key without record is compared with, so that both take as long. */
const nobody = '0'.repeat(64)

/** Verifies keys against a store, whose answers it keeps for half a minute. */
export class KeyVerifier {
  readonly #store: KeyStore
  readonly #now: () => number
  readonly #known = new Map<string, { record: KeyRecord; readAtMs: number }>()

  /** @param now Unix time in milliseconds */
  constructor(store: KeyStore, now: () => number) {
    this.#store = store
    this.#now = now
  }

  /** The record of a key that is valid now, else null; the reason is nobody's business. */
  async verify(key: string): Promise<KeyRecord | null> {
    const id = idOfApiKey(key)
    const [sha256, record] = await Promise.all([sha256Hex(key), id === null ? null : this.#find(id)])
    const matches = equalsInConstantTime(sha256, record?.sha256 ?? nobody)
    return matches && record !== null && isValid(record, this.#now()) ? record : null
  }

  async #find(id: string): Promise<KeyRecord | null> {
    const now = this.#now()
    const known = this.#known.get(id)
    if (known !== undefined && now - known.readAtMs < recordLifetimeMs) return known.record
    this.#known.delete(id)
    const record = await this.#store.find(id)
    if (record === null) return null
    this.#known.set(id, { record, readAtMs: now })
    if (this.#known.size > maxRecords) this.#known.delete(this.#known.keys().next().value!)
    return record
  }
}

/** @param nowMs Unix time in milliseconds */
export function isValid(record: KeyRecord, nowMs: number): boolean {
  const expired = record.expires_at !== null && record.expires_at * 1000 <= nowMs
  return record.revoked_at === null && !expired
}
