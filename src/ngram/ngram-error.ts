/** What goes wrong with texts and models that people bring along. */

/** A text, an ARPA file or a binary that can't be used as it is; the message says what to correct, and where. */
export class NgramError extends Error {
  override readonly name = 'NgramError'
  /** The line, from 1, where the trouble is in a text or an ARPA file; undefined elsewhere. */
  readonly line: number | undefined

  constructor(message: string, line?: number) {
    super(line === undefined ? message : `line ${line}: ${message}`)
    this.line = line
  }
}
