/** Ways to break a file or a body, as bytes. */
import fc from 'fast-check'
import { fraction } from './inputs.ts'

/** One of them. Places are fractions, and squared for the beginning, where headers are. */
export type ByteChange =
  | { kind: 'set'; at: number; value: number }
  | { kind: 'fill'; at: number; value: number; length: number }
  | { kind: 'copy'; at: number; from: number; length: number }
  | { kind: 'cut'; at: number }

const value = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 127, 128, 255))

const byteChange: fc.Arbitrary<ByteChange> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('set' as const), at: fraction, value }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('fill' as const), at: fraction, value, length: fc.nat(64) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('copy' as const),
      at: fraction,
      from: fraction,
      length: fc.nat(400),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), at: fraction }) },
)

/** One to `most` changes. */
export const byteChanges = (most: number): fc.Arbitrary<ByteChange[]> =>
  fc.array(byteChange, { minLength: 1, maxLength: most })

/** A changed copy; never empty. */
export function breakBytes(file: Uint8Array, changes: readonly ByteChange[]): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(file)
  for (const change of changes) {
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

/** The bytes in pieces, cut at some fractions of their length. */
export function cutAt(bytes: Uint8Array, fractions: readonly number[]): Uint8Array[] {
  const ends = fractions.map(fraction => Math.floor(fraction * bytes.length)).sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

/** Where to cut: nowhere, or up to ten places. */
export const cuts: fc.Arbitrary<number[]> = fc.array(fraction, { maxLength: 10 })

/** Pieces as the body of a request or of an answer. */
export function streamOf(pieces: readonly Uint8Array[], failure?: Error): ReadableStream<Uint8Array> {
  const left = [...pieces]
  return new ReadableStream({
    pull(controller) {
      const piece = left.shift()
      if (piece !== undefined) controller.enqueue(piece)
      else if (failure !== undefined) controller.error(failure)
      else controller.close()
    },
  })
}
