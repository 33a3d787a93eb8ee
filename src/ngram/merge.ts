/** One table of several models, mixed by weights, that packs and serves like any other. */
import { type BackoffTable, emptyTableLevel, log10, type TableLevel } from './backoff-table.ts'
import { completeTable } from './complete-table.ts'
import { NgramError } from './ngram-error.ts'
import { renormalize, renormalizeWords } from './renormalize.ts'
import { LevelIndex, TableIndex } from './table-index.ts'
import { SENTENCE_START, UNKNOWN, Vocabulary } from './vocabulary.ts'

/** A model and its share. */
export interface WeightedTable {
  readonly table: BackoffTable
  readonly weight: number
}

/**
 * The n-grams of all, each at its mixed probability, back-offs set so that all sums to 1 (SRILM's `ngram -mix-lm`).
 * Equal to the mixture for n-grams that are in the table, near to it elsewhere: back-off weights can't say more.
 * @throws NgramError for weights that aren't shares of 1
 */
export function mergeTables(parts: readonly WeightedTable[]): BackoffTable {
  const sum = parts.reduce((total, { weight }) => total + weight, 0)
  if (parts.length === 0 || parts.some(({ weight }) => !(weight >= 0)) || Math.abs(sum - 1) > 1e-6) {
    throw new NgramError(`the weights must sum to 1, not ${parts.map(({ weight }) => weight).join(' + ')}`)
  }
  const vocabulary = new Vocabulary()
  const newIds = parts.map(({ table }) =>
    Uint32Array.from({ length: table.vocabulary.size }, (_, id) => vocabulary.add(table.vocabulary.word(id))),
  )
  const sources = parts.map(
    ({ table, weight }, index) => new Source(table, weight, newIds[index]!, vocabulary.size),
  )
  const order = Math.max(...parts.map(({ table }) => table.order))
  const levels = Array.from({ length: order }, (_, index) =>
    mergeLevel(index + 1, parts, newIds, vocabulary.size),
  )
  for (const level of levels) {
    for (let node = 0; node < level.size; node++) {
      let prob = 0
      for (const source of sources) prob += source.prob(level, node)
      level.log10Prob[node] = log10(prob)
    }
  }
  levels[0]!.log10Prob[SENTENCE_START] = 0
  const table = { order, vocabulary, levels, tokenizer: parts[0]!.table.tokenizer }
  return renormalize(completeTable(renormalizeWords(table)).table)
}

/** A part, asked by the ids of the whole. */
class Source {
  readonly #index: TableIndex
  readonly #weight: number
  /** By id of the whole; ids that the part lacks are its `<unk>`. */
  readonly #ids: Uint32Array
  /** Those share its probability. */
  readonly #unknownShare: number

  constructor(table: BackoffTable, weight: number, newIds: Uint32Array, size: number) {
    this.#index = new TableIndex(table)
    this.#weight = weight
    this.#ids = new Uint32Array(size).fill(UNKNOWN)
    newIds.forEach((id, own) => {
      this.#ids[id] = own
    })
    this.#unknownShare = 1 / (size - newIds.length + 1)
  }

  prob(level: TableLevel, node: number): number {
    const start = node * level.length
    const words = Array.from(level.words.subarray(start, start + level.length), id => this.#ids[id]!)
    const share = words.at(-1) === UNKNOWN ? this.#unknownShare : 1
    return this.#weight * share * 10 ** this.#index.log10Prob(words.length, words, 0)
  }
}

/** The n-grams of one length that any part has, without their numbers. */
function mergeLevel(
  length: number,
  parts: readonly WeightedTable[],
  newIds: readonly Uint32Array[],
  vocabularySize: number,
): TableLevel {
  if (length === 1) {
    const level = emptyTableLevel(1, vocabularySize)
    for (let word = 0; word < vocabularySize; word++) level.words[word] = word
    return level
  }
  let merged = emptyTableLevel(length, 0)
  parts.forEach(({ table }, part) => {
    const level = table.levels[length - 1]
    if (!level) return
    const index = new LevelIndex(merged)
    const words = level.words.map(word => newIds[part]![word]!)
    const isNew = Array.from({ length: level.size }, (_, node) => index.find(words, node * length) < 0)
    const grown = emptyTableLevel(length, merged.size + isNew.filter(Boolean).length)
    grown.words.set(merged.words)
    let to = merged.size
    isNew.forEach((fresh, node) => {
      if (fresh) grown.words.set(words.subarray(node * length, (node + 1) * length), to++ * length)
    })
    merged = grown
  })
  return merged
}
