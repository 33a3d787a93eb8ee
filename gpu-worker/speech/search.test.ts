import { expect, it } from 'vitest'
import { seededRandom } from '../sampling/random.ts'
import { Search, type SearchRow } from './search.ts'
import { TokenRules } from './token-rules.ts'

/** Text 0 to 4, its end 5, no speech 6; no times. */
const END = 5
const VOCABULARY = 8
const rules = new TokenRules({ endOfText: END, noSpeech: 6, firstTimestamp: 7 }, [], {
  blank: null,
  withTimestamps: false,
})

/** A language in which what follows depends on everything before: all hypotheses can be listed. */
function nextProbabilities(tokens: readonly number[]): number[] {
  const random = seededRandom(tokens.reduce((seed, id) => seed * 7 + id + 1, 11))
  const weights = Array.from({ length: VOCABULARY }, (_, id) => (id > END ? 0 : random() ** 4 + 0.001))
  // The first token isn't the end, and nothing is longer than three.
  if (tokens.length >= 3) weights.fill(0, 0, END)
  if (tokens.length === 0) weights[END] = 0
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map(weight => weight / sum)
}

function run(width: number, temperature = 0) {
  const search = new Search({
    rules,
    endOfText: END,
    maxTokens: 10,
    width,
    temperature,
    random: seededRandom(3),
    scorer: null,
    alternatives: 0,
  })
  let rows: readonly SearchRow[] = []
  let fed = 0
  do {
    const before = rows
    fed += before.length
    rows = search.advance(row =>
      Float32Array.from(nextProbabilities(before[row] ? tokensOf(before[row]) : []), Math.log),
    )
    search.place(rows)
  } while (rows.length > 0)
  return { results: search.results(), fed }
}

function tokensOf(row: SearchRow): number[] {
  const tokens: number[] = []
  for (let link: SearchRow['tokens'] | null = row.tokens; link; link = link.before) tokens.unshift(link.id)
  return tokens
}

function everyTranscript(tokens: number[] = [], acoustic = 0): { tokens: number[]; acoustic: number }[] {
  return nextProbabilities(tokens).flatMap((probability, id) => {
    if (probability === 0) return []
    const sum = acoustic + Math.log(probability)
    return id === END ? [{ tokens, acoustic: sum }] : everyTranscript([...tokens, id], sum)
  })
}

it('with one beam goes where each step is likeliest', () => {
  const tokens: number[] = []
  for (;;) {
    const probabilities = nextProbabilities(tokens)
    const best = probabilities.indexOf(Math.max(...probabilities))
    if (best === END) break
    tokens.push(best)
  }
  expect(run(1).results[0]!.tokens).toEqual(tokens)
})

it('with many beams finds the best of all, by log-probability a token', () => {
  const rank = ({ tokens, acoustic }: { tokens: readonly number[]; acoustic: number }) =>
    acoustic / tokens.length
  const [best] = everyTranscript().toSorted((a, b) => rank(b) - rank(a))
  const [found] = run(150).results
  expect(found!.tokens).toEqual(best!.tokens)
  expect(found!.acoustic).toBeCloseTo(best!.acoustic, 5)
  expect(found!.logprobs).toHaveLength(best!.tokens.length + 1)
  expect(found!.logprobs.reduce((sum, value) => sum + value)).toBeCloseTo(best!.acoustic, 5)
})

it('gives as many hypotheses as it is wide, all different, the best first', () => {
  const { results } = run(4)
  expect(results).toHaveLength(4)
  expect(new Set(results.map(({ tokens }) => tokens.join())).size).toBe(4)
  const ranks = results.map(({ acoustic, tokens }) => acoustic / tokens.length)
  expect(ranks).toEqual(ranks.toSorted((a, b) => b - a))
})

it('samples at a temperature: the same seed, the same samples', () => {
  const samples = run(5, 0.8).results.map(({ tokens }) => tokens)
  expect(samples).toHaveLength(5)
  expect(run(5, 0.8).results.map(({ tokens }) => tokens)).toEqual(samples)
})

it('takes what it has when there is no room for more', () => {
  const search = new Search({
    rules,
    endOfText: END,
    maxTokens: 2,
    width: 2,
    temperature: 0,
    random: seededRandom(3),
    scorer: null,
    alternatives: 0,
  })
  const never = () => Float32Array.of(0.4, 0.3, 0.2, 0.1, 0, 0, 0, 0).map(Math.log)
  search.place(search.advance(never))
  expect(search.advance(never)).toEqual([])
  expect(search.results().map(({ tokens, ended }) => [tokens.join(), ended])).toEqual([
    ['0,0', false],
    ['0,1', false],
  ])
})
