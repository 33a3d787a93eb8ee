import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/protocol/errors.ts'
import { concatSamples } from './concat-samples.ts'
import { PcmCollector } from './pcm-collector.ts'
import { decodeWav, parseWav } from './wav.ts'

/** A chunk of a RIFF file, padded to an even length. */
function chunk(id: string, body: Uint8Array, size = body.length): Buffer {
  const header = Buffer.alloc(8)
  header.write(id, 'latin1')
  header.writeUInt32LE(size, 4)
  return Buffer.concat([header, body, Buffer.alloc(body.length % 2)])
}

function format(
  tag: number,
  channels: number,
  rateHz: number,
  bits: number,
  extra = Buffer.alloc(0),
): Buffer {
  const body = Buffer.alloc(16)
  body.writeUInt16LE(tag)
  body.writeUInt16LE(channels, 2)
  body.writeUInt32LE(rateHz, 4)
  body.writeUInt16LE((channels * bits) / 8, 12)
  body.writeUInt16LE(bits, 14)
  return chunk('fmt ', Buffer.concat([body, extra]))
}

function riff(...chunks: Buffer[]): Uint8Array {
  return Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVE', 'latin1'), ...chunks])
}

function decode(file: Uint8Array): Float32Array {
  const pieces: Float32Array[] = []
  const collector = new PcmCollector(60, piece => pieces.push(piece))
  decodeWav(file, collector)
  collector.finish()
  return concatSamples(pieces)
}

const pcm16 = format(1, 1, 16_000, 16)
const twoSamples = Buffer.from([0, 0x40, 0, 0xc0])

describe('parseWav', () => {
  it('finds the data behind chunks of odd length', () => {
    const file = riff(
      chunk('LIST', Buffer.from('odd')),
      pcm16,
      chunk('fact', Buffer.alloc(4)),
      chunk('data', twoSamples),
    )
    expect(parseWav(file)).toMatchObject({ encoding: 's16', channels: 1, frames: 2, sampleRateHz: 16_000 })
    expect([...decode(file)]).toEqual([0.5, -0.5])
  })

  it('takes what is there when the size is 0, all ones, or a lie', () => {
    for (const size of [0, 0xffffffff, 1_000_000]) {
      expect(parseWav(riff(pcm16, chunk('data', twoSamples, size))).frames).toBe(2)
    }
  })

  it('leaves out half a frame at the end', () => {
    expect(parseWav(riff(pcm16, chunk('data', Buffer.alloc(5)))).frames).toBe(2)
  })

  it('reads the sub-format of WAVE_FORMAT_EXTENSIBLE', () => {
    const extra = Buffer.alloc(24)
    extra.writeUInt16LE(22)
    extra.writeUInt16LE(3, 8)
    const file = riff(
      format(0xfffe, 1, 16_000, 32, extra),
      chunk('data', Buffer.from(new Float32Array([0.25]).buffer)),
    )
    expect(parseWav(file).encoding).toBe('f32')
    expect([...decode(file)]).toEqual([0.25])
  })

  it('reads 20 bits from their 3 bytes', () => {
    const body = format(1, 1, 16_000, 24)
    body.writeUInt16LE(20, 8 + 14)
    expect(parseWav(riff(body, chunk('data', Buffer.alloc(6))))).toMatchObject({ encoding: 's24', frames: 2 })
  })

  it('says what is wrong', () => {
    for (const [file, code, says] of [
      [riff(), 'audio_unreadable', 'no format chunk'],
      [riff(pcm16), 'audio_unreadable', 'no data chunk'],
      [riff(chunk('data', twoSamples)), 'audio_unreadable', 'before its format'],
      [riff(chunk('fmt ', Buffer.alloc(0)), chunk('data', twoSamples)), 'audio_unreadable', 'cut off'],
      [riff(format(1, 0, 16_000, 16), chunk('data', twoSamples)), 'audio_unreadable', '0 channels'],
      [riff(format(1, 1, 16, 16), chunk('data', twoSamples)), 'audio_format_unsupported', '16 Hz'],
      [riff(format(1, 1, 16_000, 64), chunk('data', twoSamples)), 'audio_format_unsupported', '64 bits'],
      [
        riff(format(2, 1, 16_000, 16), chunk('data', twoSamples)),
        'audio_format_unsupported',
        'Microsoft ADPCM',
      ],
    ] as const) {
      const error = (() => {
        try {
          parseWav(file)
        } catch (error) {
          return error
        }
      })() as ApiError
      expect(error).toBeInstanceOf(ApiError)
      expect(error.code).toBe(code)
      expect(error.message).toContain(says)
    }
  })
})

describe('decodeWav', () => {
  it('tells how long audio is that is too long', () => {
    const collector = new PcmCollector(1, () => {})
    const file = riff(format(1, 1, 8_000, 8), chunk('data', Buffer.alloc(12_000)))
    expect(() => decodeWav(file, collector)).toThrow('is 1.5 seconds long; at most 1 seconds')
  })

  it('takes the mean of the channels', () => {
    const samples = Buffer.from(new Int16Array([16_384, 0, -16_384, -16_384]).buffer)
    expect([...decode(riff(format(1, 2, 16_000, 16), chunk('data', samples)))]).toEqual([0.25, -0.5])
  })

  it('decodes the extremes of A-law and mu-law as G.711 has them', () => {
    const aLaw = decode(riff(format(6, 1, 16_000, 8), chunk('data', Buffer.from([0xd5, 0x55, 0xaa, 0x2a]))))
    expect([...aLaw].map(value => value * 32_768)).toEqual([8, -8, 32_256, -32_256])
    const muLaw = decode(riff(format(7, 1, 16_000, 8), chunk('data', Buffer.from([0xff, 0x7f, 0x80, 0x00]))))
    expect([...muLaw].map(value => value * 32_768 + 0)).toEqual([0, 0, 32_124, -32_124])
  })

  it('takes floats that are no numbers for silence, and clips what is over full scale', () => {
    const values = new Float32Array([Number.NaN, Number.POSITIVE_INFINITY, 3, -3, 0.5])
    const file = riff(format(3, 1, 16_000, 32), chunk('data', Buffer.from(values.buffer)))
    expect([...decode(file)]).toEqual([0, 0, 1, -1, 0.5])
  })

  it('reads or refuses anything, in bounded time', () => {
    const valid = riff(pcm16, chunk('data', Buffer.alloc(64)))
    const edit = fc.record({ at: fc.nat(valid.length - 1), value: fc.nat(255) })
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 12 }), fc.nat(valid.length), (edits, length) => {
        const file = Uint8Array.from(valid)
        for (const { at, value } of edits) file[at] = value
        try {
          for (const sample of decode(file.subarray(0, length)))
            expect(Math.abs(sample)).toBeLessThanOrEqual(1)
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError)
        }
      }),
      { numRuns: 300 },
    )
  })
})
