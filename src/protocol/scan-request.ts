/**
 * Finds `model` and `stream` at the top of a JSON object while it comes, without parsing or keeping it: what a request
 * needs to be sent on whose audio is too large to be held. What is wrong with the JSON is for its reader to say.
 */

const quote = 0x22
const backslash = 0x5c

/** What was found so far. */
export interface ScannedRequest {
  model: string | null
  stream: boolean
}

/** Longest string that is looked at; a longer one is none of those that are wanted. */
const maxNameBytes = 512

/** Takes the bytes of an object as they come, cut anywhere. */
export class RequestScanner {
  readonly found: ScannedRequest = { model: null, stream: false }
  #depth = 0
  #inString = false
  /** The byte before was a backslash. */
  #escaped = false
  /** The string that is being read; null where it isn't wanted. */
  #text: number[] | null = null
  /** Last name at the top, once its colon has come. */
  #name: string | null = null
  #lastString: string | null = null
  #word = ''

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; at++) {
      if (this.#inString) at = this.#string(bytes, at)
      else this.#structure(bytes[at]!)
    }
  }

  /** @returns index of the last byte that was taken */
  #string(bytes: Uint8Array, start: number): number {
    let at = start
    if (this.#text === null && !this.#escaped) {
      // Audio: nothing in it matters until it ends.
      const end = bytes.indexOf(quote, at)
      const firstEscape = bytes.subarray(at, end < 0 ? bytes.byteLength : end).indexOf(backslash)
      if (firstEscape >= 0) at += firstEscape
      else if (end < 0) return bytes.byteLength - 1
      else at = end
    }
    const byte = bytes[at]!
    if (this.#escaped) this.#escaped = false
    else if (byte === backslash) this.#escaped = true
    else if (byte === quote) {
      this.#inString = false
      this.#endString()
      return at
    }
    if (this.#text !== null && this.#text.push(byte) > maxNameBytes) this.#text = null
    return at
  }

  #endString(): void {
    this.#lastString = this.#text === null ? null : parse(this.#text)
    if (this.#name === 'model') this.found.model ??= this.#lastString
  }

  #structure(byte: number): void {
    switch (byte) {
      case quote:
        this.#inString = true
        this.#text = this.#depth === 1 ? [] : null
        return
      case 0x7b: // {
      case 0x5b: // [
        this.#depth++
        return
      case 0x7d: // }
      case 0x5d: // ]
        if (this.#depth === 1) this.#endValue()
        this.#depth--
        return
    }
    if (this.#depth !== 1) return
    if (byte === 0x3a) {
      this.#name = this.#lastString
      this.#word = ''
    } else if (byte === 0x2c) this.#endValue()
    else if (byte > 0x20 && this.#word.length < 8) this.#word += String.fromCharCode(byte)
  }

  #endValue(): void {
    if (this.#name === 'stream') this.found.stream = this.#word === 'true'
    this.#name = null
    this.#lastString = null
    this.#word = ''
  }
}

function parse(bytes: readonly number[]): string | null {
  try {
    return JSON.parse(`"${new TextDecoder().decode(Uint8Array.from(bytes))}"`) as string
  } catch {
    return null
  }
}
