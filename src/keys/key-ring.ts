/** What an administrator does with keys: make, list, rotate, revoke. Each act is written down before it is answered. */
import { ApiError } from '../protocol/errors.ts'
import type { AuditEntry, CreateKeyRequest, Key, KeyRecord, NewKey } from '../protocol/keys.ts'
import { AuditEntry as AuditEntrySchema } from '../protocol/keys.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { makeApiKey } from './api-key.ts'
import { type KeyRecords, readJson, StoredKeys } from './key-store.ts'
import { isValid } from './verify-key.ts'

/** Who acts: the id of a key, or `cli`. */
export interface Actor {
  actor: string
  requestId: string | null
}

/** Most entries that `audit` gives. */
const maxAuditEntries = 100

/** Keys and who did what with them. */
export class KeyRing {
  readonly #keys: KeyRecords
  readonly #store: ObjectStore
  readonly #now: () => number

  /**
   * @param store holds what was done, and the keys unless they are elsewhere
   * @param now Unix time in milliseconds
   */
  constructor(store: ObjectStore, now: () => number, keys: KeyRecords = new StoredKeys(store)) {
    this.#keys = keys
    this.#store = store
    this.#now = now
  }

  async create(request: CreateKeyRequest, by: Actor): Promise<NewKey> {
    const { record, key } = await newKey(request, this.#now())
    await this.#write('key.create', record, by)
    await this.#keys.save(record)
    return { ...toKey(record), key }
  }

  async list(): Promise<Key[]> {
    return (await this.#keys.list()).map(toKey)
  }

  /**
   * A new key for the same tenant and scopes; the old one works for `overlapSeconds` more, or less where it was to
   * expire sooner.
   * @throws ApiError key_not_found, also for one that isn't valid any more
   */
  async rotate(id: string, overlapSeconds: number, by: Actor): Promise<NewKey> {
    const old = await this.#find(id)
    if (!isValid(old, this.#now())) throw notFound(id)
    const { tenant, name, scopes } = old
    const { record, key } = await newKey({ tenant, name, scopes }, this.#now())
    const end = record.created_at + overlapSeconds
    await this.#write('key.rotate', old, by)
    await this.#keys.save(record)
    await this.#keys.save({ ...old, expires_at: Math.min(end, old.expires_at ?? end) })
    return { ...toKey(record), key }
  }

  /** @throws ApiError key_not_found. Revoking twice changes nothing. */
  async revoke(id: string, by: Actor): Promise<Key> {
    const record = await this.#find(id)
    if (record.revoked_at !== null) return toKey(record)
    const revoked = { ...record, revoked_at: seconds(this.#now()) }
    await this.#write('key.revoke', record, by)
    await this.#keys.save(revoked)
    return toKey(revoked)
  }

  /** What was done, the latest first. */
  async audit(): Promise<AuditEntry[]> {
    const { objects } = await this.#store.list('audit/', { limit: maxAuditEntries })
    const contents = await Promise.all(objects.map(({ key }) => this.#store.get(key)))
    return Promise.all(
      contents
        .filter(content => content !== null)
        .map(async ({ body }) => AuditEntrySchema.parse(await readJson(body))),
    )
  }

  async #find(id: string): Promise<KeyRecord> {
    const record = /^[0-9a-f]{16}$/.test(id) ? await this.#keys.find(id) : null
    if (record === null) throw notFound(id)
    return record
  }

  async #write(action: AuditEntry['action'], record: KeyRecord, by: Actor): Promise<void> {
    const now = this.#now()
    // Stores list by key in ascending order: counting down puts the latest first.
    const id = `${String(1e16 - now).padStart(16, '0')}-${crypto.randomUUID()}`
    const entry: AuditEntry = {
      object: 'audit_entry',
      id,
      at: seconds(now),
      actor: by.actor,
      action,
      key_id: record.id,
      tenant: record.tenant,
      request_id: by.requestId,
    }
    const bytes = new TextEncoder().encode(JSON.stringify(entry))
    await this.#store.put(`audit/${id}.json`, bytes, { contentType: 'application/json', maxBytes: 65_536 })
  }
}

/** A key and the record to be stored of it. */
export async function newKey(
  request: CreateKeyRequest,
  nowMs: number,
): Promise<{ record: KeyRecord; key: string }> {
  const { id, key, sha256 } = await makeApiKey()
  const createdAt = seconds(nowMs)
  const record: KeyRecord = {
    id,
    sha256,
    tenant: request.tenant,
    name: request.name,
    scopes: [...new Set(request.scopes)],
    created_at: createdAt,
    expires_at: request.expires_in === undefined ? null : createdAt + request.expires_in,
    revoked_at: null,
  }
  return { record, key }
}

function toKey({ sha256: _, ...record }: KeyRecord): Key {
  return { object: 'key', ...record }
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000)
}

function notFound(id: string): ApiError {
  const shown = id.slice(0, 16).replace(/[^0-9a-f]/g, '?')
  return new ApiError('key_not_found', {
    message: `There is no valid key '${shown}'. \`auricle keys list\` shows those that can be changed.`,
    param: 'id',
  })
}
