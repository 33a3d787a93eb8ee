/** Cuts a stream of server-sent events into whole events, as bytes, so that a stream that breaks breaks between two. */

const lineFeed = 10
const carriageReturn = 13

/** Most bytes of one event that is held back while it is incomplete. */
const maxEventBytes = 4 * 1024 * 1024

/** Holds back what is incomplete. */
export class EventFramer {
  #held: Uint8Array = new Uint8Array(0)

  /**
   * Bytes in, whole events out (each with the blank line that ends it).
   * @throws RangeError when one event is larger than 4 MiB
   */
  push(bytes: Uint8Array): Uint8Array[] {
    const joined = this.#held.byteLength === 0 ? bytes : concat(this.#held, bytes)
    const events: Uint8Array[] = []
    let start = 0
    let lineIsEmpty = true
    for (let at = 0; at < joined.byteLength; at++) {
      const byte = joined[at]!
      if (byte !== lineFeed && byte !== carriageReturn) {
        lineIsEmpty = false
        continue
      }
      // A carriage return at the very end may be half of "\r\n": what it ends is decided with the next bytes.
      if (byte === carriageReturn) {
        if (at + 1 === joined.byteLength) break
        if (joined[at + 1] === lineFeed) at++
      }
      if (lineIsEmpty) {
        events.push(joined.subarray(start, at + 1))
        start = at + 1
      }
      lineIsEmpty = true
    }
    if (joined.byteLength - start > maxEventBytes) throw new RangeError('a server-sent event is too large')
    this.#held = joined.slice(start)
    return events
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.byteLength + b.byteLength)
  joined.set(a)
  joined.set(b, a.byteLength)
  return joined
}
