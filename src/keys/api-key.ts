/**
 * API keys: `auricle_<id>_<secret>`. The id finds the record, the secret (32 random bytes) proves the right to it.
 * Only the SHA-256 of the whole key is ever stored: the secret is random, so nothing slower is needed.
 */

/** A key that was just made; the only place where it is whole. */
export interface NewApiKey {
  id: string
  /** To be shown once. */
  key: string
  /** Hexadecimal. */
  sha256: string
}

/** @throws never; `crypto` is there on every platform */
export async function makeApiKey(): Promise<NewApiKey> {
  const id = toHex(crypto.getRandomValues(new Uint8Array(8)))
  const secret = toBase64Url(crypto.getRandomValues(new Uint8Array(32)))
  const key = `auricle_${id}_${secret}`
  return { id, key, sha256: await sha256Hex(key) }
}

/** The id of what has the form of a key, or null. */
export function idOfApiKey(key: string): string | null {
  return /^auricle_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/.exec(key)?.[1] ?? null
}

/** SHA-256 of a text's UTF-8, in hexadecimal. */
export async function sha256Hex(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))))
}

/** Whether two texts of the same length are the same, in a time that doesn't depend on where they differ. */
export function equalsInConstantTime(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i % Math.max(1, b.length))
  return difference === 0
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '')
}
