/**
 * `auricle keys ...`: API keys in the object store of this machine (AURICLE_STORE), or, with `--url`, those of a server,
 * for whom AURICLE_API_KEY must hold the scope `admin`.
 */
import { type Actor, KeyRing, newKey } from '../../src/keys/key-ring.ts'
import type { AuditEntry, CreateKeyRequest, Key, NewKey } from '../../src/protocol/keys.ts'
import { CreateKeyRequest as CreateKeyRequestSchema, RotateKeyRequest } from '../../src/protocol/keys.ts'
import { toValidationError } from '../../src/protocol/validation.ts'
import { openStore } from '../../src/storage/open-store.ts'
import { storeLocation } from '../local/configuration.ts'
import { number, readArguments } from './arguments.ts'
import { UsageError } from './usage-error.ts'

const usage = `auricle keys create --tenant NAME --scopes chat,transcribe[,admin] [--name TEXT] [--expires SECONDS] [--record]
auricle keys list
auricle keys rotate ID [--overlap SECONDS]   a new key; the old one works for a day more, or so many seconds
auricle keys revoke ID
auricle keys audit
  --url URL   of a server; AURICLE_API_KEY must hold a key with the scope admin. Otherwise AURICLE_STORE is used.
  --record    stores nothing; prints the record for the variable AURICLE_KEYS (a JSON array of records)`

const by: Actor = { actor: 'cli', requestId: null }

/** Where keys are administered: here or there. */
interface Keys {
  create(request: CreateKeyRequest): Promise<NewKey>
  list(): Promise<Key[]>
  rotate(id: string, overlap: number): Promise<NewKey>
  revoke(id: string): Promise<Key>
  audit(): Promise<AuditEntry[]>
}

/** The command. @throws UsageError */
export async function keys(args: readonly string[]): Promise<void> {
  const text = { type: 'string' } as const
  if (args[0] === '--help' || args[0] === '-h') return console.log(usage)
  const { values, positionals } = readArguments(
    args,
    {
      tenant: text,
      scopes: text,
      name: text,
      expires: text,
      overlap: text,
      url: text,
      record: { type: 'boolean' },
    },
    usage,
  )
  const [action = '', id] = positionals
  const create = () =>
    parse(CreateKeyRequestSchema, {
      tenant: values.tenant,
      name: values.name ?? '',
      scopes: values.scopes?.split(','),
      ...(values.expires === undefined ? {} : { expires_in: number('expires', values.expires) }),
    })
  if (action === 'create' && values.record) {
    const { record, key } = await newKey(create(), Date.now())
    console.log(`${JSON.stringify([record])}\n\nThe key, shown this once:\n${key}`)
    return
  }
  const place = values.url === undefined ? await stored() : remote(values.url)
  if (action === 'create') showNew(await place.create(create()))
  else if (action === 'list') show(await place.list())
  else if (action === 'audit') showAudit(await place.audit())
  else if (action === 'revoke' && id !== undefined) {
    await place.revoke(id)
    console.log(`${id} is revoked; servers that know it refuse it within 30 seconds.`)
  } else if (action === 'rotate' && id !== undefined) {
    const given = values.overlap === undefined ? {} : { overlap: number('overlap', values.overlap) }
    showNew(await place.rotate(id, parse(RotateKeyRequest, given).overlap))
  } else throw new UsageError(usage)
}

async function stored(): Promise<Keys> {
  const ring = new KeyRing(await openStore(storeLocation(process.env), process.env), Date.now)
  return {
    create: request => ring.create(request, by),
    list: () => ring.list(),
    rotate: (id, overlap) => ring.rotate(id, overlap, by),
    revoke: id => ring.revoke(id, by),
    audit: () => ring.audit(),
  }
}

function remote(url: string): Keys {
  const key = process.env['AURICLE_API_KEY']
  if (key === undefined) throw new UsageError('--url needs a key with the scope admin in AURICLE_API_KEY')
  async function call<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(new URL(`/v1/admin/${path}`, url), {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const answer = await response.json()
    if (!response.ok) throw new Error(answer.error?.message ?? `the server answered ${response.status}`)
    return answer
  }
  return {
    create: request => call('POST', 'keys', request),
    list: async () => (await call<{ data: Key[] }>('GET', 'keys')).data,
    rotate: (id, overlap) => call('POST', `keys/${encodeURIComponent(id)}/rotate`, { overlap }),
    revoke: id => call('DELETE', `keys/${encodeURIComponent(id)}`),
    audit: async () => (await call<{ data: AuditEntry[] }>('GET', 'audit')).data,
  }
}

function parse<T>(
  schema: { safeParse(value: unknown): import('zod').ZodSafeParseResult<T> },
  value: unknown,
): T {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new UsageError(`${toValidationError(parsed.error).message}\n${usage}`)
  return parsed.data
}

function showNew(key: NewKey): void {
  show([key])
  console.log(`\nThe key, shown this once:\n${key.key}`)
}

function show(list: readonly Key[]): void {
  console.log(['id              ', 'tenant', 'scopes', 'state', 'name'].join('  '))
  for (const key of list)
    console.log([key.id, key.tenant, key.scopes.join(','), stateOf(key), key.name].join('  '))
}

function showAudit(entries: readonly AuditEntry[]): void {
  for (const { at, actor, action, key_id, tenant } of entries) {
    console.log([date(at), actor, action, key_id, tenant].join('  '))
  }
}

function stateOf(key: Key): string {
  if (key.revoked_at !== null) return `revoked ${date(key.revoked_at)}`
  return key.expires_at === null ? 'valid' : `until ${date(key.expires_at)}`
}

function date(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}
