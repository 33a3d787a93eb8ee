/**
 * From log-probabilities to a transcript: beam search, or samples at a temperature.
 * Source: openai/whisper `decoding.py`: BeamSearchDecoder, GreedyDecoder, MaximumLikelihoodRanker.
 */

import type { Random } from '../sampling/random.ts'
import { textPosterior } from './text-posterior.ts'
import { EMPTY_HISTORY, type TokenHistory, type TokenRules } from './token-rules.ts'
import { TopTokens } from './top-tokens.ts'
import type { WordScorer, WordState } from './word-scorer.ts'

/** A token of a hypothesis; a list that grows at its end and shares its beginnings. */
interface TokenLink {
  readonly before: TokenLink | null
  readonly id: number
  readonly logprob: number
  readonly length: number
  /** What might have been in its place. */
  readonly step: Posterior | null
}

/** The likeliest text tokens of a step, the best first, before any rule. */
export interface Posterior {
  readonly ids: readonly number[]
  readonly probabilities: readonly number[]
}

/** A hypothesis on its way: a row of the decoder. */
export interface SearchRow {
  /** The row that it came from. */
  readonly parent: number
  /** Its last token, to be fed next. */
  readonly id: number
  readonly tokens: TokenLink
  readonly history: TokenHistory
  readonly acoustic: number
  /** Null without language model and hotwords. */
  readonly words: WordState | null
  /** What the search goes by: acoustic + language model + bonuses. */
  readonly score: number
}

/** A hypothesis that came to its end, or to the end of what it may be. */
export interface FoundTranscript {
  /** Text and times, without the end of text. */
  readonly tokens: readonly number[]
  /** Natural logarithm, a token each; the end of text last, if it came. */
  readonly logprobs: readonly number[]
  /** Where alternatives were asked for: those of each of `logprobs`. */
  readonly steps: readonly Posterior[]
  readonly ended: boolean
  /** Sum of `logprobs`. */
  readonly acoustic: number
  /** Parts of the score that come from words; null without language model and hotwords. */
  readonly words: { readonly log10: number | null; readonly bonus: number } | null
  readonly score: number
}

export interface SearchOptions {
  readonly rules: TokenRules
  readonly endOfText: number
  readonly maxTokens: number
  /** Rows: hypotheses kept, or samples drawn. */
  readonly width: number
  /** 0 searches, above it is sampled. */
  readonly temperature: number
  readonly random: Random
  readonly scorer: WordScorer | null
  /** Text tokens kept of each step; 0 keeps none. */
  readonly alternatives: number
}

/**
 * Hypotheses whose probability is so much (natural logarithm) below the best one's aren't followed: the loss is
 * nil on all recordings tried (docs/log.md), and a row costs a tenth of a step.
 */
const PRUNE_BELOW = 6
/** Fused search looks deeper: words may become likely by what the language model knows. */
const PRUNE_BELOW_FUSED = 12
/** Tokens looked at a row in fused search, times the width. */
const FUSED_BREADTH = 4

/** One window's search. It is asked for the rows to feed until there are none. */
export class Search {
  readonly #options: SearchOptions
  readonly #top: TopTokens
  readonly #breadth: number
  readonly #found: FoundTranscript[] = []
  #rows: readonly SearchRow[] = []
  #steps = 0

  constructor(options: SearchOptions) {
    this.#options = options
    this.#breadth = options.scorer ? options.width * FUSED_BREADTH + 1 : options.width + 1
    this.#top = new TopTokens(this.#breadth)
  }

  /** The rows are in these places of the decoder now. */
  place(rows: readonly SearchRow[]): void {
    this.#rows = rows
  }

  /**
   * @param logProbabilities what the decoder gave for a row, [vocabulary] f32; overwritten
   * @returns the next rows, each with the one it goes on from; none when the search is over
   */
  advance(logProbabilities: (row: number) => Float32Array): readonly SearchRow[] {
    const next =
      this.#options.temperature > 0 ? this.#sample(logProbabilities) : this.#search(logProbabilities)
    this.#steps++
    if (this.#steps < this.#options.maxTokens) return next
    // What didn't come to an end counts as it is.
    for (const row of next) if (this.#found.length < this.#options.width) this.#finish(row, null)
    return []
  }

  /** What was found, the best first: by score a token, as openai/whisper ranks. */
  results(): readonly FoundTranscript[] {
    const rank = ({ score, tokens }: FoundTranscript) => score / Math.max(1, tokens.length)
    return this.#found.toSorted((a, b) => rank(b) - rank(a))
  }

  #search(logProbabilities: (row: number) => Float32Array): readonly SearchRow[] {
    const { rules, width, endOfText, scorer, alternatives } = this.#options
    const candidates: SearchRow[] = []
    for (const [parent, row] of this.#current().entries()) {
      const values = logProbabilities(parent)
      const step = alternatives > 0 ? textPosterior(values, endOfText + 1, alternatives) : null
      const rest = rules.apply(values, row?.history ?? EMPTY_HISTORY)
      this.#top.collect(values, this.#breadth)
      for (let rank = 0; rank < this.#top.count; rank++) {
        const id = this.#top.ids[rank]!
        candidates.push(this.#extend(row, parent, id, this.#top.values[rank]! - rest, step))
      }
    }
    candidates.sort((a, b) => b.score - a.score)
    const next: SearchRow[] = []
    const ended: SearchRow[] = []
    for (const candidate of candidates) {
      if (candidate.id === endOfText) ended.push(candidate)
      else next.push(candidate)
      if (next.length === width) break
    }
    for (const row of ended) if (this.#found.length < width) this.#finish(row, row.tokens)
    if (this.#found.length >= width) return []
    const best = Math.max(
      next[0]?.score ?? Number.NEGATIVE_INFINITY,
      ...this.#found.map(({ score }) => score),
    )
    const bound = best - (scorer ? PRUNE_BELOW_FUSED : PRUNE_BELOW)
    return next.filter(({ score }) => score > bound)
  }

  #sample(logProbabilities: (row: number) => Float32Array): readonly SearchRow[] {
    const { rules, width, temperature, endOfText, random } = this.#options
    const next: SearchRow[] = []
    const rows = this.#current()
    const drawn = this.#steps === 0 ? width : 1
    for (const [parent, row] of rows.entries()) {
      const values = logProbabilities(parent)
      const rest = rules.apply(values, row?.history ?? EMPTY_HISTORY)
      for (let k = 0; k < drawn; k++) {
        const id = draw(values, temperature, random)
        const child = this.#extend(row, parent, id, values[id]! - rest, null)
        if (id === endOfText) this.#finish(child, child.tokens)
        else next.push(child)
      }
    }
    return next
  }

  /** The rows that were fed; at first a single one without tokens. */
  #current(): readonly (SearchRow | null)[] {
    return this.#steps === 0 ? [null] : this.#rows
  }

  #extend(
    row: SearchRow | null,
    parent: number,
    id: number,
    logprob: number,
    step: Posterior | null,
  ): SearchRow {
    const { rules, scorer, endOfText } = this.#options
    const acoustic = (row?.acoustic ?? 0) + logprob
    const before = row?.words ?? scorer?.start() ?? null
    const words =
      scorer && before ? (id === endOfText ? scorer.end(before) : scorer.extend(before, id)) : null
    return {
      parent,
      id,
      tokens: { before: row?.tokens ?? null, id, logprob, length: (row?.tokens.length ?? 0) + 1, step },
      history: rules.extend(row?.history ?? EMPTY_HISTORY, id),
      acoustic,
      words,
      score: acoustic + (words?.score ?? 0),
    }
  }

  /** @param end the row's tokens when the last of them is the end of text; null when it was cut off */
  #finish(row: SearchRow, end: TokenLink | null): void {
    const { scorer } = this.#options
    const tokens: number[] = []
    const logprobs: number[] = []
    const steps: Posterior[] = []
    for (let link: TokenLink | null = row.tokens; link; link = link.before) {
      if (link !== end) tokens.push(link.id)
      logprobs.push(link.logprob)
      if (link.step) steps.push(link.step)
    }
    const words = end === null && scorer && row.words ? scorer.end(row.words) : row.words
    this.#found.push({
      tokens: tokens.reverse(),
      logprobs: logprobs.reverse(),
      steps: steps.reverse(),
      ended: end !== null,
      acoustic: row.acoustic,
      words: words && { log10: words.log10, bonus: words.bonus },
      score: row.acoustic + (words?.score ?? 0),
    })
  }
}

/** One token by its probability at a temperature. */
function draw(row: Float32Array, temperature: number, random: Random): number {
  let max = Number.NEGATIVE_INFINITY
  let likeliest = 0
  for (let id = 0; id < row.length; id++) {
    if (row[id]! <= max) continue
    max = row[id]!
    likeliest = id
  }
  const scale = 1 / temperature
  let sum = 0
  for (let id = 0; id < row.length; id++) sum += Math.exp((row[id]! - max) * scale)
  let left = random() * sum
  for (let id = 0; id < row.length; id++) {
    left -= Math.exp((row[id]! - max) * scale)
    if (left < 0) return id
  }
  return likeliest
}
