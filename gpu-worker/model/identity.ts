import { createHash } from 'node:crypto'

/** A hash (64 hex digits) of everything that a result depends on: equal identities, equal results. */
export function identityOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
