/**
 * An answer while it comes, kept so that any number of readers see all of it, from the beginning or from an event on,
 * at their own pace. Events get ids (1, 2, ...), so that a reader can say where it was.
 */
import { EventFramer } from '../fleet/event-framer.ts'

/** Status and headers of the answer; its body follows. */
export interface AnswerHead {
  status: number
  headers: [string, string][]
}

/** Most bytes that are kept of one answer. */
export const maxAnswerBytes = 16 * 1024 * 1024

/** One answer. */
export class AnswerLog {
  readonly head: AnswerHead
  readonly #chunks: Uint8Array[]
  readonly #isEvents: boolean
  #state: 'open' | 'closed' | 'broken' = 'open'
  #error: unknown
  #changed = Promise.withResolvers<void>()

  /** @param chunks those that are known already; events as they are sent, with their ids */
  constructor(head: AnswerHead, chunks: Uint8Array[] = []) {
    this.head = head
    this.#chunks = chunks
    this.#isEvents = head.headers.some(
      ([name, value]) => name === 'content-type' && value.startsWith('text/event-stream'),
    )
  }

  /** Takes all of a body. Never rejects: readers see how it ended. */
  async fill(body: ReadableStream<Uint8Array> | null): Promise<void> {
    const framer = new EventFramer()
    let bytes = 0
    try {
      for await (const piece of (body ?? []) as AsyncIterable<Uint8Array>) {
        for (const chunk of this.#isEvents ? framer.push(piece).map(event => this.#withId(event)) : [piece]) {
          bytes += chunk.byteLength
          if (bytes > maxAnswerBytes) throw new RangeError('the answer is too large to be kept')
          this.#chunks.push(chunk)
          this.#wake()
        }
      }
      this.#state = 'closed'
    } catch (error) {
      this.#state = 'broken'
      this.#error = error
    }
    this.#wake()
  }

  /** Marks an answer of which all is known. */
  close(): this {
    this.#state = 'closed'
    return this
  }

  /** All of it, once it is complete; null where it broke. */
  whole(): Uint8Array[] | null {
    return this.#state === 'closed' ? this.#chunks : null
  }

  /** @param after id of the event that the reader has seen last; 0 for all */
  read(after = 0): ReadableStream<Uint8Array> {
    let next = this.#isEvents ? after : 0
    return new ReadableStream({
      pull: async controller => {
        while (next >= this.#chunks.length && this.#state === 'open') await this.#changed.promise
        const chunk = this.#chunks[next++]
        // A copy: a reader may do with its bytes what it likes.
        if (chunk !== undefined) controller.enqueue(chunk.slice())
        else if (this.#state === 'broken') controller.error(this.#error)
        else controller.close()
      },
    })
  }

  #withId(event: Uint8Array): Uint8Array {
    const id = new TextEncoder().encode(`id: ${this.#chunks.length + 1}\n`)
    const numbered = new Uint8Array(id.byteLength + event.byteLength)
    numbered.set(id)
    numbered.set(event, id.byteLength)
    return numbered
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}
