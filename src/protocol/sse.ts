/** Server-sent events (WHATWG HTML, section 9.2), both ways, byte by byte. */

/** One event. `event` and `id` are there only when the stream named them. */
export interface ServerSentEvent {
  event?: string
  id?: string
  data: string
}

/** Data of the event that ends a stream, as OpenAI has it. */
export const doneData = '[DONE]'

/** Most characters of one event; a stream with a longer one is broken or hostile. */
const maxEventCharacters = 16 * 1024 * 1024

/** An event as text for the wire. Line breaks in `data` become several data lines; those of other fields are cut. */
export function serializeEvent(event: ServerSentEvent): string {
  let text = ''
  if (event.event !== undefined) text += `event: ${oneLine(event.event)}\n`
  if (event.id !== undefined) text += `id: ${oneLine(event.id)}\n`
  for (const line of event.data.split(/\r\n|\r|\n/)) text += `data: ${line}\n`
  return `${text}\n`
}

/** A comment for the wire: keeps a silent connection open, and clients skip it. */
export function serializeComment(comment: string): string {
  return `: ${oneLine(comment)}\n\n`
}

/**
 * Takes bytes as they come, cut anywhere, and gives the events that they complete.
 * What is left when the stream ends is an event that was cut off: it is dropped, as the standard says.
 */
export class ServerSentEventParser {
  readonly #decoder = new TextDecoder('utf-8')
  /** A line that isn't complete yet. */
  #rest = ''
  #afterCarriageReturn = false
  #data: string[] = []
  #dataCharacters = 0
  #event: string | undefined
  #id: string | undefined
  readonly #onComment: ((comment: string) => void) | undefined

  /** @param onComment told of comments, which others skip */
  constructor(onComment?: (comment: string) => void) {
    this.#onComment = onComment
  }

  /** Bytes in, complete events out. @throws RangeError when one event is longer than 16 Mi characters */
  push(bytes: Uint8Array): ServerSentEvent[] {
    let text = this.#decoder.decode(bytes, { stream: true })
    if (text === '') return []
    // "\r\n" may be cut between two chunks: the line ended at "\r", and the "\n" that follows ends nothing.
    if (this.#afterCarriageReturn && text.startsWith('\n')) text = text.slice(1)
    this.#afterCarriageReturn = false
    if (text === '') return []
    this.#afterCarriageReturn = text.endsWith('\r')

    const lines = text.split(/\r\n|\r|\n/)
    lines[0] = this.#rest + lines[0]!
    this.#rest = lines.pop()!
    const events: ServerSentEvent[] = []
    for (const line of lines) {
      const event = this.#line(line)
      if (event !== null) events.push(event)
    }
    if (this.#rest.length + this.#dataCharacters > maxEventCharacters) {
      throw new RangeError('a server-sent event is too long')
    }
    return events
  }

  #line(line: string): ServerSentEvent | null {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    if (colon === 0) {
      this.#onComment?.(line.slice(1).trim())
      return null
    }
    const field = colon < 0 ? line : line.slice(0, colon)
    const start = line[colon + 1] === ' ' ? colon + 2 : colon + 1
    const value = colon < 0 ? '' : line.slice(start)
    if (field === 'data') {
      this.#data.push(value)
      this.#dataCharacters += value.length
    } else if (field === 'event') this.#event = value
    else if (field === 'id' && !value.includes('\0')) this.#id = value
    return null
  }

  #dispatch(): ServerSentEvent | null {
    const event: ServerSentEvent | null = this.#data.length === 0 ? null : { data: this.#data.join('\n') }
    if (event !== null && this.#event) event.event = this.#event
    if (event !== null && this.#id !== undefined) event.id = this.#id
    this.#data = []
    this.#dataCharacters = 0
    this.#event = undefined
    this.#id = undefined
    return event
  }
}

/** The events of a body, one by one. Leaving the loop early cancels the body. */
export async function* parseEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent, void> {
  const parser = new ServerSentEventParser()
  const reader = body.getReader()
  let ended = false
  try {
    while (true) {
      const { done, value } = await reader.read()
      if (done) break
      yield* parser.push(value)
    }
    ended = true
  } finally {
    if (!ended) await reader.cancel().catch(() => {})
    reader.releaseLock()
  }
}

function oneLine(text: string): string {
  return text.replace(/[\r\n\0]+/g, ' ')
}
