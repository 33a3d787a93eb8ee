/** Reads text into word ids: what is counted. Chunks come as they come; a line is a sentence. */
import { NgramError } from './ngram-error.ts'
import { plainTokenizer, type TokenizerOptions, tokenize } from './tokenizer.ts'
import { grown, SENTENCE_END, SENTENCE_START, SPECIAL_WORDS, UNKNOWN, Vocabulary } from './vocabulary.ts'

/** What to make of a text. */
export interface CorpusOptions {
  readonly tokenizer?: TokenizerOptions
  /** `<s>`, `</s>` and `<unk>` written in the text: an error (as lmplz has it), or left out. */
  readonly specialWords?: 'refuse' | 'skip'
  /** The only words there are; all others are `<unk>`. Left out: every word that occurs. */
  readonly closedVocabulary?: Iterable<string>
}

/** Sentences as ids, each between `<s>` and `</s>`. Memory: 5 bytes a token, twice that while growing. */
export class Corpus {
  readonly vocabulary = new Vocabulary()
  readonly #tokenizer: TokenizerOptions
  readonly #skipsSpecialWords: boolean
  readonly #isClosed: boolean
  #tokens = new Uint32Array(1 << 16)
  #depths = new Uint8Array(1 << 16)
  #length = 0
  #depth = 0
  #sentences = 0
  #words = 0
  /** What came after the last line break. */
  #rest = ''

  constructor(options: CorpusOptions = {}) {
    this.#tokenizer = options.tokenizer ?? plainTokenizer
    this.#skipsSpecialWords = options.specialWords === 'skip'
    this.#isClosed = options.closedVocabulary !== undefined
    for (const word of options.closedVocabulary ?? []) this.vocabulary.add(word)
  }

  /** Word ids with `<s>` before and `</s>` after each sentence. */
  get tokens(): Uint32Array {
    return this.#tokens.subarray(0, this.#length)
  }

  /** How far each token is from its sentence's `<s>`, 255 where that or farther. */
  get depths(): Uint8Array {
    return this.#depths.subarray(0, this.#length)
  }

  get sentences(): number {
    return this.#sentences
  }

  /** Words, without `<s>` and `</s>`. */
  get words(): number {
    return this.#words
  }

  /**
   * Takes the next piece of the text, which may end anywhere.
   * @throws NgramError when it holds a special word and those are refused
   */
  append(chunk: string): this {
    const end = chunk.lastIndexOf('\n') + 1
    if (end === 0) {
      this.#rest += chunk
      return this
    }
    const lines = this.#rest + chunk.slice(0, end)
    this.#rest = chunk.slice(end)
    this.#read(lines)
    return this
  }

  /** Ends the text: a last line without a line break is a sentence too. */
  end(): this {
    const rest = this.#rest
    this.#rest = ''
    if (rest !== '') this.#read(`${rest}\n`)
    return this
  }

  /** @param lines ends in a line break */
  #read(lines: string): void {
    if (this.#tokenizer.tokenization === 'whitespace') {
      this.#readWords(this.#tokenizer.lowercase ? lines.toLowerCase() : lines)
      return
    }
    for (const line of lines.slice(0, -1).split('\n')) {
      this.#startSentence()
      for (const word of tokenize(line, this.#tokenizer)) this.#pushWord(word, 0, word.length)
      this.#endSentence()
    }
  }

  /** The short way for words between spaces: no string is made of any. */
  #readWords(text: string): void {
    let start = 0
    this.#startSentence()
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index)
      if (unit > 32) continue
      // lmplz's delimiters: NUL, tab, line feed, carriage return, space.
      if (unit !== 32 && unit !== 10 && unit !== 9 && unit !== 13 && unit !== 0) continue
      if (index > start) this.#pushWord(text, start, index)
      start = index + 1
      if (unit === 10) {
        this.#endSentence()
        if (start < text.length) this.#startSentence()
      }
    }
  }

  #startSentence(): void {
    this.#depth = 0
    this.#push(SENTENCE_START)
  }

  #endSentence(): void {
    this.#push(SENTENCE_END)
    this.#sentences++
  }

  #pushWord(text: string, start: number, end: number): void {
    const id = this.#isClosed
      ? (this.vocabulary.find(text, start, end) ?? UNKNOWN)
      : this.vocabulary.add(text, start, end)
    // A closed vocabulary makes `<unk>` of words; written out it is as special as the other two.
    if (id < SPECIAL_WORDS.length && (id !== UNKNOWN || text.slice(start, end) === SPECIAL_WORDS[UNKNOWN])) {
      if (this.#skipsSpecialWords) return
      throw new NgramError(
        `'${SPECIAL_WORDS[id]}' can't be a word of the text: take it out, or have special words skipped`,
        this.#sentences + 1,
      )
    }
    this.#words++
    this.#push(id)
  }

  #push(id: number): void {
    if (this.#length === this.#tokens.length) {
      this.#tokens = grown(this.#tokens, this.#length + 1)
      this.#depths = grown(this.#depths, this.#length + 1)
    }
    this.#tokens[this.#length] = id
    this.#depths[this.#length] = Math.min(this.#depth, 255)
    this.#length++
    this.#depth++
  }
}
