/** Where the records of keys are: in the configuration, or in the object store, where they can be changed. */
import * as z from 'zod'
import { KeyRecord } from '../protocol/keys.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { readAll } from '../storage/object-store.ts'

/** Finds what is known of a key. */
export interface KeyStore {
  find(id: string): Promise<KeyRecord | null>
}

/** Keys that can be made, listed and changed while the server runs. */
export interface KeyRecords extends KeyStore {
  save(record: KeyRecord): Promise<void>
  /** All of them, the oldest first. */
  list(): Promise<KeyRecord[]>
}

/** Keys that were configured (AURICLE_KEYS); none can be changed while the server runs. */
export class ConfiguredKeys implements KeyStore {
  readonly #records: ReadonlyMap<string, KeyRecord>

  /** @param text a JSON array of records, as `auricle keys create --record` prints them. @throws TypeError */
  constructor(text: string) {
    const parsed = z.array(KeyRecord).safeParse(parseOrUndefined(text))
    if (!parsed.success) {
      // Never the text itself: it may be a key that was put there by mistake.
      throw new TypeError(
        `AURICLE_KEYS is not a JSON array of key records.\n${z.prettifyError(parsed.error)}`,
      )
    }
    this.#records = new Map(parsed.data.map(record => [record.id, record]))
  }

  async find(id: string): Promise<KeyRecord | null> {
    return this.#records.get(id) ?? null
  }
}

/** Keys in the object store, an object each. */
export class StoredKeys implements KeyRecords {
  readonly #store: ObjectStore

  constructor(store: ObjectStore) {
    this.#store = store
  }

  async find(id: string): Promise<KeyRecord | null> {
    const content = await this.#store.get(objectKey(id))
    return content === null ? null : KeyRecord.parse(await readJson(content.body))
  }

  async save(record: KeyRecord): Promise<void> {
    const bytes = new TextEncoder().encode(JSON.stringify(record))
    await this.#store.put(objectKey(record.id), bytes, { contentType: 'application/json', maxBytes: 65_536 })
  }

  async list(): Promise<KeyRecord[]> {
    const records: KeyRecord[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await this.#store.list('keys/', cursor === '' ? {} : { cursor })
      const found = await Promise.all(page.objects.map(({ key }) => this.find(key.slice(5, -5))))
      records.push(...found.filter(record => record !== null))
      cursor = page.cursor
    }
    return records.sort(byAge)
  }
}

/** The oldest first. */
export function byAge(a: KeyRecord, b: KeyRecord): number {
  return a.created_at - b.created_at || (a.id < b.id ? -1 : 1)
}

/** @param setting value of AURICLE_KEYS: `store`, or records as JSON. @throws TypeError */
export function openKeys(setting: string, records: KeyRecords): KeyStore {
  return setting === 'store' ? records : new ConfiguredKeys(setting)
}

/** The JSON value of a small object. */
export async function readJson(body: ReadableStream<Uint8Array>): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode(await readAll(body as unknown as AsyncIterable<Uint8Array>)))
}

function objectKey(id: string): string {
  return `keys/${id}.json`
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
