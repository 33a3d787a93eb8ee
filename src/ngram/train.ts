/** A file becomes a model: text is counted and smoothed, an ARPA file packed, a binary checked. Within limits. */
import { readArpa } from './arpa-read.ts'
import type { BackoffTable } from './backoff-table.ts'
import { MAGIC } from './binary-layout.ts'
import { packModel } from './binary-write.ts'
import { gunzipIfNeeded, lineBatches, textChunks } from './byte-streams.ts'
import { Corpus } from './corpus.ts'
import { countNgrams } from './count.ts'
import { NgramModel } from './model.ts'
import { NgramError } from './ngram-error.ts'
import { measurePerplexity, type Perplexity } from './perplexity.ts'
import { type Smoothing, smooth } from './smoothing.ts'
import { type TokenizerOptions, tokenize } from './tokenizer.ts'

/** How, and how much. */
export interface TrainingOptions {
  /** Left out: seen from the first bytes. */
  readonly format?: 'text' | 'arpa' | 'binary'
  readonly order: number
  readonly smoothing: Smoothing
  /** As lmplz's --prune; empty for none. */
  readonly prune: readonly number[]
  /** How text is cut; of ARPA files: how their words were cut from text. */
  readonly tokenizer: TokenizerOptions
  /** Share of the sentences, from 0 to 0.5, that isn't learned and on which the perplexity is measured. */
  readonly heldOut: number
  /** UTF-16 code units of a text, unpacked. */
  readonly maximumCharacters: number
  readonly maximumNgrams: number
}

/** A model and what is known of it. */
export interface TrainedModel {
  /** The binary. */
  readonly bytes: ArrayBuffer
  readonly format: 'text' | 'arpa' | 'binary'
  /** Of the result: a text with short sentences only may have no n-grams of the order asked for. */
  readonly order: number
  /** n-grams by length, from 1. */
  readonly sizes: readonly number[]
  readonly tokenizer: TokenizerOptions | null
  /** What was learned from; null unless it was text. */
  readonly text: { readonly sentences: number; readonly words: number } | null
  /** Over what was held out; null where nothing was. */
  readonly heldOut: Perplexity | null
}

/** A longer line is hardly a sentence. */
const MAXIMUM_LINE_LENGTH = 1 << 20
/** Where the text is too small to say: lmplz's --discount_fallback. */
export const DISCOUNT_FALLBACK = [0.5, 1, 1.5] as const

/**
 * Makes a model of a file, which may be in gzip. Text: a line is a sentence; empty lines are none; `<s>`, `</s>` and
 * `<unk>` are left out.
 * @throws NgramError for what can't be used, or is too much
 */
export async function trainModel(file: Uint8Array, options: TrainingOptions): Promise<TrainedModel> {
  const format = options.format ?? (await detectFormat(file))
  switch (format) {
    case 'binary': {
      const bytes = file.slice().buffer
      const model = NgramModel.open(bytes)
      checkSizes(model.sizes, options)
      return described(model, bytes, { format, text: null, heldOut: null })
    }
    case 'arpa': {
      const limits = { maximumNgrams: options.maximumNgrams, maximumLineLength: 1 << 16 }
      const table = await readArpa(new Blob([file as Uint8Array<ArrayBuffer>]).stream(), limits)
      return packed({ ...table, tokenizer: options.tokenizer }, { format, text: null, heldOut: null })
    }
    case 'text':
      return trainOnText(file, options)
  }
}

async function trainOnText(file: Uint8Array, options: TrainingOptions): Promise<TrainedModel> {
  const corpus = new Corpus({ tokenizer: options.tokenizer, specialWords: 'skip' })
  const heldOut: string[] = []
  let count = 0
  for await (const lines of lineBatches(limitedText(file, options.maximumCharacters), MAXIMUM_LINE_LENGTH)) {
    const learned: string[] = []
    for (const line of lines) {
      if (line.trim() === '') continue
      // Evenly over the text: as many of the first n lines as n times the share, rounded down.
      const isHeldOut = Math.floor((count + 1) * options.heldOut) > Math.floor(count * options.heldOut)
      count++
      if (isHeldOut) heldOut.push(line)
      else learned.push(line)
    }
    if (learned.length > 0) corpus.append(`${learned.join('\n')}\n`)
  }
  if (corpus.words === 0) throw new NgramError('the text has no words')
  const table = smooth(countNgrams(corpus, options.order), options.smoothing, {
    tokenizer: options.tokenizer,
    prune: options.prune,
  })
  checkSizes(
    table.levels.map(({ size }) => size),
    options,
  )
  const model = packed(table, {
    format: 'text',
    text: { sentences: corpus.sentences, words: corpus.words },
    heldOut: null,
  })
  if (heldOut.length === 0) return model
  const sentences = heldOut.map(line => tokenize(line, options.tokenizer))
  return { ...model, heldOut: await measurePerplexity(NgramModel.open(model.bytes, false), sentences) }
}

function checkSizes(sizes: readonly number[], { maximumNgrams }: TrainingOptions): void {
  const total = sizes.reduce((sum, size) => sum + size, 0)
  if (total <= maximumNgrams) return
  throw new NgramError(`${total} n-grams, at most ${maximumNgrams} are taken: lower the order, or prune`)
}

type Origin = Pick<TrainedModel, 'format' | 'text' | 'heldOut'>

function packed(table: BackoffTable, origin: Origin): TrainedModel {
  const bytes = packModel(table)
  return described(NgramModel.open(bytes, false), bytes, origin)
}

function described(model: NgramModel, bytes: ArrayBuffer, origin: Origin): TrainedModel {
  return { ...origin, bytes, order: model.order, sizes: model.sizes, tokenizer: model.tokenizer }
}

async function detectFormat(file: Uint8Array): Promise<'text' | 'arpa' | 'binary'> {
  const begins = (start: Uint8Array, text: string) =>
    [...text].every((character, index) => start[index] === character.charCodeAt(0))
  if (begins(file, MAGIC)) return 'binary'
  const reader = (await gunzipIfNeeded(streamOf(file))).getReader()
  let start = ''
  try {
    while (start.length < 1000) {
      const { done, value } = await reader.read()
      if (done) break
      start += String.fromCharCode(...value.subarray(0, 1000))
    }
  } catch {
    throw new NgramError('the gzip is damaged')
  } finally {
    await reader.cancel().catch(() => {})
  }
  return /^\s*\\data\\\s/m.test(start) ? 'arpa' : 'text'
}

async function* limitedText(file: Uint8Array, maximum: number): AsyncGenerator<string> {
  let length = 0
  for await (const chunk of textChunks(await gunzipIfNeeded(streamOf(file)))) {
    length += chunk.length
    if (length > maximum) {
      throw new NgramError(`the text is longer than ${maximum} characters, unpacked: send less of it`)
    }
    yield chunk
  }
}

function streamOf(file: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new Blob([file as Uint8Array<ArrayBuffer>]).stream()
}
