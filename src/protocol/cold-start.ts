/**
 * What a stream says while no worker is there yet: comments of server-sent events, which every client skips (the openai
 * client takes an event of any name for a chunk), and which a client that knows them can read.
 * @example : auricle {"type":"queued","waited_ms":0}
 */
import * as z from 'zod'
import { serializeComment } from './sse.ts'

/** In this order, and each may be there more than once, but for `ready`. */
export const ColdStartEvent = z.object({
  /** `queued`: a worker was called; `loading`: one is there and loads its model; `ready`: it has the request. */
  type: z.enum(['queued', 'loading', 'ready']),
  /** Milliseconds since the request came. */
  waited_ms: z.int().min(0),
})
export type ColdStartEvent = z.infer<typeof ColdStartEvent>

const prefix = 'auricle '

/** As bytes for the wire. */
export function serializeColdStart(event: ColdStartEvent): string {
  return serializeComment(prefix + JSON.stringify(event))
}

/** The event of a line `: auricle {...}`, with or without its colon; null for any other comment. */
export function parseColdStart(line: string): ColdStartEvent | null {
  const comment = line.replace(/^: ?/, '')
  if (!comment.startsWith(prefix)) return null
  try {
    return ColdStartEvent.safeParse(JSON.parse(comment.slice(prefix.length))).data ?? null
  } catch {
    return null
  }
}
