/** From text to the words of a model: its spaces, its characters, or its words in languages without spaces. */

/** How a line is cut into tokens. */
export type Tokenization =
  /** At spaces and tabs, as KenLM does. */
  | 'whitespace'
  /** Each character is a token (a grapheme's code points apart); runs of spaces are one `▁`. */
  | 'characters'
  /** Words by the rules of Unicode and, for Chinese, Japanese, Thai, by dictionary (Intl.Segmenter); no punctuation. */
  | 'segments'

/** Stands for a space between words in models of characters. */
export const SPACE = '▁'

/** How text becomes tokens; kept in a model's file, so that whoever queries it cuts as whoever trained it. */
export interface TokenizerOptions {
  readonly tokenization: Tokenization
  /** Makes letters small first. */
  readonly lowercase: boolean
  /** BCP 47, for `segments`: which dictionary; null is the machine's own. */
  readonly locale: string | null
}

/** Lets text be as it is, cut at spaces. */
export const plainTokenizer: TokenizerOptions = { tokenization: 'whitespace', lowercase: false, locale: null }

/**
 * @param line without its line break
 * @example tokenize('我喜欢音乐', { tokenization: 'characters', lowercase: false, locale: null }) // 我 喜 欢 音 乐
 */
export function tokenize(line: string, options: TokenizerOptions): string[] {
  const text = options.lowercase ? line.toLowerCase() : line
  switch (options.tokenization) {
    case 'whitespace':
      return text.split(/[ \t\r\0]+/).filter(word => word !== '')
    case 'characters':
      return [...text.trim().replace(/\s+/gu, SPACE)]
    case 'segments': {
      const words: string[] = []
      for (const part of segmenter(options.locale).segment(text))
        if (part.isWordLike) words.push(part.segment)
      return words
    }
  }
}

/** Puts tokens together again, as far as that can be known. */
export function detokenize(tokens: readonly string[], options: TokenizerOptions): string {
  if (options.tokenization === 'characters') return tokens.join('').replaceAll(SPACE, ' ')
  const isUnspaced = options.tokenization === 'segments' && /^(zh|ja|th)\b/.test(options.locale ?? '')
  return tokens.join(isUnspaced ? '' : ' ')
}

// Making a segmenter loads its dictionary: once a locale.
const segmenters = new Map<string | null, Intl.Segmenter>()

function segmenter(locale: string | null): Intl.Segmenter {
  let known = segmenters.get(locale)
  if (!known) {
    known = new Intl.Segmenter(locale ?? undefined, { granularity: 'word' })
    segmenters.set(locale, known)
  }
  return known
}
