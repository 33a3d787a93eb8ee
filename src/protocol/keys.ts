/** `/v1/admin/keys`: API keys, made, listed, rotated and revoked by whoever has the scope `admin`. */
import * as z from 'zod'

/** What a key may do. `admin` doesn't include the others. */
export const Scope = z.enum(['chat', 'transcribe', 'admin'])
export type Scope = z.infer<typeof Scope>

/** Tenants' names are parts of keys in the object store. */
export const TenantName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected 1 to 64 letters, digits, _ or -')

const unixSeconds = z.int().min(0)

/** What is stored of a key, and shown of it but for the hash. Times in Unix seconds. */
export const KeyRecord = z.object({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  /** Of the whole key, in hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  tenant: TenantName,
  /** For people. */
  name: z.string().max(200),
  scopes: z.array(Scope).min(1),
  created_at: unixSeconds,
  /** From then on it is refused; null: never. */
  expires_at: unixSeconds.nullable(),
  revoked_at: unixSeconds.nullable(),
})
export type KeyRecord = z.infer<typeof KeyRecord>

/** A key as the API shows it. */
export const Key = KeyRecord.omit({ sha256: true }).extend({ object: z.literal('key') })
export type Key = z.infer<typeof Key>

/** A key that was just made: the only answer that holds the key itself. */
export const NewKey = Key.extend({ key: z.string() })
export type NewKey = z.infer<typeof NewKey>

export const KeyList = z.object({ object: z.literal('list'), data: z.array(Key) })
export type KeyList = z.infer<typeof KeyList>

export const CreateKeyRequest = z.strictObject({
  tenant: TenantName,
  name: z.string().max(200).default(''),
  scopes: z.array(Scope).min(1),
  /** Seconds from now; left out: it doesn't expire. */
  expires_in: z.int().min(1).optional(),
})
export type CreateKeyRequest = z.infer<typeof CreateKeyRequest>

/** A new key in place of an old one, which still works for so many seconds. */
export const RotateKeyRequest = z.strictObject({ overlap: z.int().min(0).max(31_536_000).default(86_400) })
export type RotateKeyRequest = z.infer<typeof RotateKeyRequest>

/** One act of an administrator. */
export const AuditEntry = z.object({
  object: z.literal('audit_entry'),
  id: z.string(),
  at: unixSeconds,
  /** Id of the key that acted, or `cli`. */
  actor: z.string(),
  action: z.enum(['key.create', 'key.rotate', 'key.revoke']),
  /** Id of the key that was acted upon. */
  key_id: z.string(),
  tenant: z.string(),
  request_id: z.string().nullable(),
})
export type AuditEntry = z.infer<typeof AuditEntry>

export const AuditList = z.object({ object: z.literal('list'), data: z.array(AuditEntry) })
export type AuditList = z.infer<typeof AuditList>
