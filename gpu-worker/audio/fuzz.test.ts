import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { ApiError } from '../../src/protocol/errors.ts'
import { closeDecoder, decodeAudio } from './decode.ts'

vi.setConfig({ testTimeout: 120_000 })
afterAll(closeDecoder)

const folder = new URL('../../test/fixtures/formats/', import.meta.url)
const names = readdirSync(folder).filter(name => name !== 'make.sh')
const RUNS_PER_FILE = 6

/** One way to break a file. Places are fractions, and squared for the beginning, where headers are. */
type Mutation =
  | { kind: 'set'; at: number; value: number }
  | { kind: 'fill'; at: number; value: number; length: number }
  | { kind: 'copy'; at: number; from: number; length: number }
  | { kind: 'cut'; at: number }

const place = fc.double({ min: 0, max: 0.999, noNaN: true })
const value = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 127, 128, 255))
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('set' as const), at: place, value }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('fill' as const), at: place, value, length: fc.nat(64) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('copy' as const), at: place, from: place, length: fc.nat(400) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), at: place }) },
)

function mutate(file: Uint8Array, mutations: Mutation[]): Uint8Array {
  let bytes = file.slice()
  for (const change of mutations) {
    const at = Math.floor(change.at ** 2 * bytes.length)
    if (change.kind === 'set') bytes[at] = change.value
    if (change.kind === 'fill') bytes.fill(change.value, at, at + change.length)
    if (change.kind === 'copy') {
      const from = Math.floor(change.from * bytes.length)
      bytes.copyWithin(at, from, from + change.length)
    }
    if (change.kind === 'cut') bytes = bytes.slice(0, Math.max(1, Math.floor(change.at * bytes.length)))
  }
  return bytes
}

describe('broken files', () => {
  for (const name of names)
    it(`decodes or refuses mutations of ${name}`, async () => {
      const file = new Uint8Array(readFileSync(new URL(name, folder))).slice(0, 20_000)
      await fc.assert(
        fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 12 }), async mutations => {
          try {
            const audio = await decodeAudio(mutate(file, mutations), { maxSeconds: 10, maxBytes: 100_000 })
            expect(audio.samples.length).toBeGreaterThan(0)
            for (const sample of audio.samples)
              if (!(Math.abs(sample) <= 1)) throw new Error(`sample ${sample}`)
          } catch (error) {
            expect(error).toBeInstanceOf(ApiError)
            expect((error as ApiError).code).toMatch(/^audio_(empty|unreadable|too_long|format_unsupported)$/)
            expect((error as ApiError).message).not.toContain('given up')
          }
        }),
        { numRuns: RUNS_PER_FILE },
      )
    })
})
