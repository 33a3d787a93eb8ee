/** Keys in Workers KV: read near whoever asks, everywhere, and changed rarely. */
import type { KVNamespace, KVNamespaceListResult } from '@cloudflare/workers-types'
import { KeyRecord } from '../protocol/keys.ts'
import { byAge, type KeyRecords } from './key-store.ts'

/** KV's shortest: for so long a place relies on what it has read, a key that isn't there included. */
const cacheSeconds = 30

/** A record a key, under `keys/`. Only the key's SHA-256 is in it. */
export class KvKeys implements KeyRecords {
  readonly #namespace: KVNamespace

  constructor(namespace: KVNamespace) {
    this.#namespace = namespace
  }

  async find(id: string): Promise<KeyRecord | null> {
    const value = await this.#namespace.get(nameOf(id), { type: 'json', cacheTtl: cacheSeconds })
    return value === null ? null : KeyRecord.parse(value)
  }

  async save(record: KeyRecord): Promise<void> {
    await this.#namespace.put(nameOf(record.id), JSON.stringify(record))
  }

  async list(): Promise<KeyRecord[]> {
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const page: KVNamespaceListResult<unknown> = await this.#namespace.list({
        prefix: 'keys/',
        ...(cursor !== undefined && { cursor }),
      })
      ids.push(...page.keys.map(({ name }) => name.slice('keys/'.length)))
      cursor = page.list_complete ? undefined : page.cursor
    } while (cursor !== undefined)
    const records = await Promise.all(ids.map(id => this.find(id)))
    return records.filter(record => record !== null).sort(byAge)
  }
}

function nameOf(id: string): string {
  return `keys/${id}`
}
