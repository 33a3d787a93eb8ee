/** JSON of a server whose every version says it a little otherwise: read without trust, one field at a time. */

export type Json = Readonly<Record<string, unknown>>

/** An object, or null for all else. */
export function parseObject(text: string): Json | null {
  try {
    return objectOf(JSON.parse(text))
  } catch {
    return null
  }
}

export function objectOf(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function stringOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

/** A count; 0 for what isn't one. */
export function countOf(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? Math.floor(value) : 0
}
