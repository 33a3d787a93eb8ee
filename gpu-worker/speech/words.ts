/**
 * Words with their times. Source: openai/whisper `timing.py` (`merge_punctuations`, `add_word_timestamps`) and
 * `tokenizer.py` (`split_tokens_on_spaces`).
 */
import type { Word } from '../model/speech-model.ts'

/** A run of tokens that is one word, before it has a place in a segment. */
export interface TimedWord {
  /** With the space in front of it. */
  text: string
  /** Indices into the tokens that were aligned: from `first`, `count` of them. */
  first: number
  count: number
  /** Seconds. */
  start: number
  end: number
  probability: number
}

const PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'
const PREPENDED = '"\'“¿([{-'
const APPENDED = '"\'.。,，!！?？:：”)]}、'
const SENTENCE_ENDS = '.。!！?？'
/** No median of word lengths above this is believed, seconds. */
const LONGEST_MEDIAN = 0.7

/**
 * Cuts tokens into words at spaces and punctuation.
 * @param texts of the tokens, one each; tokens that share a character are joined by `joinCharacters` before
 */
export function splitWords(texts: readonly string[]): { text: string; first: number; count: number }[] {
  const words: { text: string; first: number; count: number }[] = []
  for (const [index, text] of texts.entries()) {
    const begins = text.startsWith(' ') || PUNCTUATION.includes(text.trim())
    const last = words.at(-1)
    if (last && (!begins || text === '')) {
      last.text += text
      last.count++
    } else words.push({ text, first: index, count: 1 })
  }
  return words
}

/**
 * The text of each token where characters may span tokens: a character belongs to the token that begins it.
 * @param bytes of each token, UTF-8
 */
export function joinCharacters(bytes: readonly Uint8Array[]): string[] {
  const texts: string[] = []
  let pending: Uint8Array[] = []
  for (const [index, piece] of bytes.entries()) {
    pending.push(piece)
    texts.push('')
    const text = new TextDecoder('utf-8').decode(Buffer.concat(pending))
    if (text.endsWith('\ufffd') && index < bytes.length - 1) continue
    texts[index - pending.length + 1] = text
    pending = []
  }
  return texts
}

/**
 * Gives each word its times.
 * @param starts position at which each token, and then the end of text, begins
 * @param probabilities of the tokens
 * @param positionsPerSecond 50
 */
export function timeWords(
  texts: readonly string[],
  starts: Int32Array,
  probabilities: readonly number[],
  positionsPerSecond: number,
): TimedWord[] {
  const words = splitWords(texts).map(({ text, first, count }): TimedWord => {
    const end = starts[first + count] ?? starts.at(-1)!
    let sum = 0
    for (let k = first; k < first + count; k++) sum += probabilities[k]!
    return {
      text,
      first,
      count,
      start: starts[first]! / positionsPerSecond,
      end: end / positionsPerSecond,
      probability: sum / count,
    }
  })
  limitLengths(words)
  mergePunctuation(words)
  return words.filter(({ text }) => text !== '')
}

/** For answers: without spaces, times moved by where the window begins. */
export function toWord({ text, start, end, probability }: TimedWord, offsetSeconds: number): Word {
  return { word: text.trim(), start: start + offsetSeconds, end: end + offsetSeconds, probability }
}

/** Pauses are counted to the word before or after them at the ends of sentences: such words are cut to twice the median. */
function limitLengths(words: TimedWord[]): void {
  const lengths = words.map(({ start, end }) => end - start).filter(length => length > 0)
  if (lengths.length === 0) return
  const sorted = lengths.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  const longest = 2 * Math.min(LONGEST_MEDIAN, median)
  for (let index = 1; index < words.length; index++) {
    const word = words[index]!
    if (word.end - word.start <= longest) continue
    if (isOneOf(SENTENCE_ENDS, word.text)) word.end = word.start + longest
    else if (isOneOf(SENTENCE_ENDS, words[index - 1]!.text)) word.start = word.end - longest
  }
}

/** Opening punctuation goes to the word behind it, all other to the word before. */
function mergePunctuation(words: TimedWord[]): void {
  let behind = words.length - 1
  for (let index = words.length - 2; index >= 0; index--) {
    const word = words[index]!
    const following = words[behind]!
    if (word.text.startsWith(' ') && isOneOf(PREPENDED, word.text.trim())) {
      following.text = word.text + following.text
      following.first = word.first
      following.count += word.count
      word.text = ''
    } else behind = index
  }
  let before = 0
  for (let index = 1; index < words.length; index++) {
    const word = words[index]!
    const previous = words[before]!
    if (word.text !== '' && !previous.text.endsWith(' ') && isOneOf(APPENDED, word.text)) {
      previous.text += word.text
      previous.count += word.count
      word.text = ''
    } else if (word.text !== '') before = index
  }
}

/** Whether a text is a part of a list of marks, as Python's `in` has it; nothing isn't. */
function isOneOf(marks: string, text: string): boolean {
  return text !== '' && marks.includes(text)
}
