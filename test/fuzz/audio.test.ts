// Broken files of every format that is decoded: what comes out is sound or a typed error, and no decoder hangs.
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { closeDecoder, decodeAudio, decodeAudioPieces } from '../../gpu-worker/audio/decode.ts'
import { ApiError } from '../../src/protocol/errors.ts'
import { breakBytes, byteChanges } from './break-bytes.ts'
import { fuzz, inputsMade, shares } from './inputs.ts'

afterAll(closeDecoder)

const folder = new URL('../fixtures/formats/', import.meta.url)
const names = readdirSync(folder).filter(name => name !== 'make.sh')
const inputsPerFile = Math.ceil(shares.audio / names.length)
const limits = { maxSeconds: 10, maxBytes: 100_000 }
const never = new AbortController().signal

const input = fc.record({ changes: byteChanges(12), piecewise: fc.boolean() })

describe('broken files', () => {
  test.each(names)('of %s', async name => {
    const file = new Uint8Array(readFileSync(new URL(name, folder))).slice(0, 20_000)
    await fuzz('audio', inputsPerFile, input, async ({ changes, piecewise }) => {
      try {
        let length = 0
        for await (const samples of decoded(breakBytes(file, changes), piecewise)) {
          length += samples.length
          for (const sample of samples) if (!(Math.abs(sample) <= 1)) throw new Error(`sample ${sample}`)
        }
        expect(length).toBeGreaterThan(0)
      } catch (error) {
        expect(error).toBeInstanceOf(ApiError)
        expect((error as ApiError).code).toMatch(/^audio_(empty|unreadable|too_long|format_unsupported)$/)
        // A decoder that was ended, because it took too long or broke.
        expect((error as ApiError).message).not.toContain('given up')
      }
    })
  })

  test('are as many as were promised', () => {
    expect(inputsMade('audio')).toBeGreaterThanOrEqual(shares.audio)
  })
})

/** As a question's audio is decoded, or as a recording to transcribe is. */
async function* decoded(bytes: Uint8Array, piecewise: boolean): AsyncGenerator<Float32Array> {
  if (piecewise) yield* decodeAudioPieces(bytes, limits, never)
  else yield (await decodeAudio(bytes, limits)).samples
}
