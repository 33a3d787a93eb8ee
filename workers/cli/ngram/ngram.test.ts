import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { NgramError } from '../../../src/ngram/ngram-error.ts'
import { UsageError } from '../usage-error.ts'
import { ngram } from './ngram.ts'

let folder: string
const path = (name: string) => join(folder, name)
const out: string[] = []
const run = (line: string) =>
  ngram(line.split(' ').map(word => (/\.(txt|arpa|gz|bin)$/.test(word) ? path(word) : word)))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auricle-ngram-'))
  await writeFile(path('one.txt'), 'play some music\nplay the news\nwhat is the news\n')
  await writeFile(path('two.txt'), 'take some aspirin\nwhat is aspirin\n')
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(() => {
  out.length = 0
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line))
  vi.spyOn(console, 'error').mockImplementation(() => {})
})

describe('auricle ngram', () => {
  it('trains, converts, asks: the same from ARPA, gzip and binary', async () => {
    for (const name of ['one.arpa', 'one.arpa.gz', 'one.bin']) {
      await run(`train one.txt --order 3 --smoothing absolute --out ${name}`)
      await run(`perplexity ${name} two.txt`)
    }
    const [perplexity] = out
    expect(perplexity).toMatch(/^Perplexity including OOVs:\t\d+\.\d+$/)
    expect(out.filter(line => line.startsWith('Perplexity including')).length).toBe(3)
    expect(out.filter(line => line === 'OOVs:\t3').length).toBe(3)
    await run('compare one.arpa one.arpa.gz')
    expect(out.at(-1)).toMatch(
      /^3-grams: \d+ in both, 0 and 0 in one only; .* 0\.0e\+0, of back-offs 0\.0e\+0$/,
    )
    out.length = 0
    await run('convert one.arpa.gz --out again.bin')
    await run('query again.bin two.txt')
    expect(out).toHaveLength(2)
    expect(out[0]).toMatch(/^take \(unknown\) -\d.*<\/s> -\d.*OOV: 2$/)
  })

  it('generates, prunes, mixes', async () => {
    await run('train one.txt --order 2 --smoothing katz --out one.arpa')
    await run('train two.txt --order 2 --smoothing kneser-ney --out two.arpa')
    await run('generate one.arpa --method argmax --prefix play')
    expect(out[0]).toMatch(/^play /)
    await run('prune one.arpa --threshold 0.1 --out pruned.arpa')
    await run('mix one.arpa two.arpa --held-out two.txt --out mixed.bin')
    out.length = 0
    await run('perplexity mixed.bin two.txt')
    expect(out).toContain('OOVs:\t0')
    await run('perplexity one.arpa two.arpa --held-out two.txt --text two.txt')
    expect(out.find(line => line.startsWith('Weights:'))).toBeDefined()
  })

  it.each([
    ['', /auricle ngram SUBCOMMAND/],
    ['learn', /no 'ngram learn'/],
    ['train one.txt', /--out MODEL/],
    ['train one.txt --out x.bin --order three', /--order takes a number/],
    ['train one.txt --out x.bin --smoothing good', /--smoothing is one of laplace/],
    ['train one.txt --out x.bin --smoothing add-k', /needs --k/],
    ['train one.txt --out x.bin --depth 3', /--depth/],
  ])('explains itself when asked for: %s', async (line, message) => {
    await expect(run(line)).rejects.toThrow(UsageError)
    await expect(run(line)).rejects.toThrow(message)
  })

  it('says what is the matter with files', async () => {
    await expect(run('perplexity one.txt two.txt')).rejects.toThrow(NgramError)
    await run('train one.txt --smoothing laplace --out one.bin')
    await expect(run('prune one.bin --threshold 1 --out x.bin')).rejects.toThrow(/needs the ARPA file/)
    await expect(run('train one.txt --out x.bin')).rejects.toThrow(/too small/)
  })
})
