/** Reads ARPA files, from KenLM, SRILM or ours, plain or in gzip, as they stream in. Errors name the line. */
import { type BackoffTable, LOG10_ZERO, type TableLevel } from './backoff-table.ts'
import { gunzipIfNeeded, lineBatches, textChunks } from './byte-streams.ts'
import { MAXIMUM_ORDER } from './count.ts'
import { NgramError } from './ngram-error.ts'
import { grown, SPECIAL_WORDS, UNKNOWN, Vocabulary } from './vocabulary.ts'

/** What a file may hold. */
export interface ArpaLimits {
  readonly maximumNgrams: number
  readonly maximumLineLength: number
}

const defaultLimits: ArpaLimits = { maximumNgrams: 2 ** 30, maximumLineLength: 1 << 16 }

/** Headings, notes, empty lines. */
const OTHER_LINES = 10_000

/** What KenLM gives `<unk>` where the file has none. */
const LOG10_NO_UNKNOWN = -100

/**
 * @param stream an ARPA file, which may be in gzip
 * @throws NgramError for what isn't ARPA, naming the line
 */
export async function readArpa(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  limits: ArpaLimits = defaultLimits,
): Promise<BackoffTable> {
  const parser = new ArpaParser(limits)
  const text = textChunks(await gunzipIfNeeded(stream))
  for await (const lines of lineBatches(text, limits.maximumLineLength)) {
    for (const line of lines) parser.line(line)
    // What comes after is nobody's business, however long it is.
    if (parser.isDone) break
  }
  return parser.end()
}

/** A level while it grows. */
interface GrowingLevel {
  words: Uint32Array
  log10Prob: Float32Array
  log10Backoff: Float32Array
  size: number
}

class ArpaParser {
  readonly #limits: ArpaLimits
  readonly #vocabulary = new Vocabulary()
  /** By order: how many the header announces. */
  readonly #announced: number[] = []
  readonly #levels: GrowingLevel[] = []
  /** 1 for words that were listed. */
  #listed = new Uint8Array(1024)
  #section: 'before' | 'header' | 'ngrams' | 'end' = 'before'
  #number = 0
  #ngrams = 0

  constructor(limits: ArpaLimits) {
    this.#limits = limits
  }

  get isDone(): boolean {
    return this.#section === 'end'
  }

  line(line: string): void {
    this.#number++
    if (this.#number > this.#limits.maximumNgrams + OTHER_LINES) throw this.#error('too many lines')
    if (line.length > this.#limits.maximumLineLength) throw this.#error('this line is too long')
    if (this.#section === 'ngrams' && line !== '' && line[0] !== '\\') {
      if (line !== '\r') this.#entry(line)
      return
    }
    const text = line.trim()
    if (text === '' || this.#section === 'end') return
    if (this.#section === 'before') {
      // Some tools write notes before the data.
      if (text === '\\data\\') this.#section = 'header'
      else if (this.#number > 1000) throw this.#error("no '\\data\\' so far: this is not an ARPA file")
      return
    }
    if (text === '\\end\\') {
      this.#closeLevel()
      if (this.#levels.length < this.#announced.length) {
        throw this.#error(
          `the header announces ${this.#announced[this.#levels.length]} ${this.#levels.length + 1}-grams, there are none`,
        )
      }
      this.#section = 'end'
      return
    }
    const [, length] = /^\\(\d+)-grams:$/.exec(text) ?? []
    if (length !== undefined) this.#openLevel(Number(length))
    else if (this.#section === 'header') this.#announce(text)
    else this.#entry(line)
  }

  end(): BackoffTable {
    if (this.#section === 'before') throw new NgramError("no '\\data\\': this is not an ARPA file")
    if (this.#section !== 'end') throw this.#error("the file ends without '\\end\\': it is cut off")
    const levels = this.#levels.map(
      (level, index): TableLevel => ({
        length: index + 1,
        size: level.size,
        words: level.words.slice(0, level.size * (index + 1)),
        log10Prob: level.log10Prob.slice(0, level.size),
        log10Backoff: level.log10Backoff.slice(0, level.size),
      }),
    )
    return { order: levels.length, vocabulary: this.#vocabulary, levels, tokenizer: null }
  }

  #announce(text: string): void {
    const [, length, count] = /^ngram\s+(\d+)\s*=\s*(\d+)$/.exec(text) ?? []
    if (length === undefined)
      throw this.#error(`expected 'ngram N=COUNT' in the header, not '${text.slice(0, 80)}'`)
    if (Number(length) !== this.#announced.length + 1) {
      throw this.#error(
        `expected the count of ${this.#announced.length + 1}-grams here, not of ${length}-grams`,
      )
    }
    if (Number(length) > MAXIMUM_ORDER)
      throw this.#error(`${length}-grams: at most ${MAXIMUM_ORDER} are supported`)
    this.#ngrams += Number(count)
    if (this.#ngrams > this.#limits.maximumNgrams) {
      throw this.#error(`more than the ${this.#limits.maximumNgrams} n-grams that are allowed`)
    }
    this.#announced.push(Number(count))
  }

  #openLevel(length: number): void {
    if (this.#levels.length > 0) this.#closeLevel()
    if (length !== this.#levels.length + 1 || length > this.#announced.length) {
      throw this.#error(`'\\${length}-grams:' does not belong here`)
    }
    this.#section = 'ngrams'
    // The header may lie: room grows with what comes.
    const room = Math.max(SPECIAL_WORDS.length, Math.min(this.#announced[length - 1]!, 1 << 20))
    const level: GrowingLevel = {
      words: new Uint32Array(room * length),
      log10Prob: new Float32Array(room),
      log10Backoff: new Float32Array(room),
      size: 0,
    }
    if (length === 1) {
      level.log10Prob.set([LOG10_NO_UNKNOWN, LOG10_ZERO, LOG10_ZERO])
      level.words.set([0, 1, 2])
      level.size = SPECIAL_WORDS.length
    }
    this.#levels.push(level)
  }

  #closeLevel(): void {
    const length = this.#levels.length
    const level = this.#levels[length - 1]
    if (!level) throw this.#error("expected '\\1-grams:' here")
    let found = level.size
    for (let special = 0; length === 1 && special < SPECIAL_WORDS.length; special++) {
      if (this.#listed[special] === 0) found--
    }
    if (found !== this.#announced[length - 1]) {
      throw this.#error(
        `the header announces ${this.#announced[length - 1]} ${length}-grams, there are ${found}`,
      )
    }
  }

  #entry(line: string): void {
    const length = this.#levels.length
    const level = this.#levels[length - 1]!
    let cursor = skipSpaces(line, 0)
    let end = fieldEnd(line, cursor)
    const log10Prob = this.#value(line.slice(cursor, end))
    if (log10Prob > 0) throw this.#error(`a log-probability of ${log10Prob} is above 0`)
    let node = level.size
    if (length > 1) this.#makeRoom(level, length)
    for (let index = 0; index < length; index++) {
      cursor = skipSpaces(line, end)
      end = fieldEnd(line, cursor)
      if (end === cursor) throw this.#error(`a ${length}-gram needs ${length} words, there are ${index}`)
      if (length === 1) node = this.#listWord(line, cursor, end)
      else level.words[node * length + index] = this.#knownWord(line, cursor, end)
    }
    cursor = skipSpaces(line, end)
    end = fieldEnd(line, cursor)
    level.log10Prob[node] = log10Prob
    level.log10Backoff[node] = end === cursor ? 0 : this.#value(line.slice(cursor, end))
    if (skipSpaces(line, end) < line.length) throw this.#error(`too many fields for a ${length}-gram`)
    if (length > 1) level.size++
  }

  #listWord(line: string, start: number, end: number): number {
    const level = this.#levels[0]!
    const word = line.slice(start, end)
    const id = word === '<UNK>' ? UNKNOWN : this.#vocabulary.add(word)
    if (id >= this.#listed.length) this.#listed = grown(this.#listed, id + 1)
    if (this.#listed[id] === 1) throw this.#error(`the word '${word}' is listed twice`)
    this.#listed[id] = 1
    if (id === level.size) {
      this.#makeRoom(level, 1)
      level.words[id] = id
      level.size++
    }
    return id
  }

  #knownWord(line: string, start: number, end: number): number {
    const id = this.#vocabulary.find(line, start, end)
    if (id !== undefined) return id
    const word = line.slice(start, end)
    if (word === '<UNK>') return UNKNOWN
    throw this.#error(`the word '${word}' is not among the 1-grams`)
  }

  #makeRoom(level: GrowingLevel, length: number): void {
    if (level.size >= this.#announced[length - 1]! + SPECIAL_WORDS.length) {
      throw this.#error(
        `more ${length}-grams than the ${this.#announced[length - 1]} that the header announces`,
      )
    }
    if (level.size < level.log10Prob.length) return
    level.log10Prob = grown(level.log10Prob, level.size + 1)
    level.log10Backoff = grown(level.log10Backoff, level.size + 1)
    level.words = grown(level.words, level.log10Prob.length * length)
  }

  #value(text: string): number {
    const value = text === '-inf' || text === '-Infinity' ? LOG10_ZERO : Number(text)
    if (text === '' || Number.isNaN(value) || value === Number.POSITIVE_INFINITY) {
      throw this.#error(`expected a number, not '${text.slice(0, 80)}'`)
    }
    return Math.max(value, LOG10_NO_UNKNOWN)
  }

  #error(message: string): NgramError {
    return new NgramError(message, this.#number)
  }
}

function isSpace(unit: number): boolean {
  return unit === 32 || unit === 9 || unit === 13
}

function skipSpaces(line: string, cursor: number): number {
  while (cursor < line.length && isSpace(line.charCodeAt(cursor))) cursor++
  return cursor
}

function fieldEnd(line: string, cursor: number): number {
  while (cursor < line.length && !isSpace(line.charCodeAt(cursor))) cursor++
  return cursor
}
