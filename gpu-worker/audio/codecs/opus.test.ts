import { describe, expect, it } from 'vitest'
import { opusPacketSamples, parseOpusHead } from './opus.ts'

function head(channels: number, family: number, ...mapping: number[]): Uint8Array {
  const bytes = Buffer.alloc(19)
  bytes.write('OpusHead\x01', 'latin1')
  bytes[9] = channels
  bytes.writeUInt16LE(312, 10)
  bytes.writeInt16LE(-1536, 16) // -6 dB
  bytes[18] = family
  return Buffer.concat([bytes, Uint8Array.from(mapping)])
}

describe('opusPacketSamples', () => {
  it('reads the length of a packet from its first bytes (RFC 6716, section 3.1)', () => {
    for (const [bytes, milliseconds] of [
      [[0x00], 10],
      [[0x18], 60],
      [[0x60], 10],
      [[0x68], 20],
      [[0x80], 2.5],
      [[0xf8], 20],
      [[0xf9], 40],
      [[0xfb, 0x06], 120],
      [[0xfb, 0x86], 120],
      // Over 120 ms, no frames, nothing: no packets.
      [[0xfb, 0x07], 0],
      [[0xfb, 0x00], 0],
      [[0xfb], 0],
      [[], 0],
    ] as const)
      expect(opusPacketSamples(Uint8Array.from(bytes))).toBe(milliseconds * 48)
  })
})

describe('parseOpusHead', () => {
  it('reads mono, stereo and surround', () => {
    expect(parseOpusHead(head(2, 0))).toMatchObject({
      channels: 2,
      preSkip: 312,
      streams: 1,
      mapping: [0, 1],
    })
    expect(parseOpusHead(head(1, 0)).gain).toBeCloseTo(0.501, 3)
    const surround = parseOpusHead(head(6, 1, 4, 2, 0, 4, 1, 2, 3, 5))
    expect(surround).toMatchObject({ streams: 4, coupledStreams: 2, mapping: [0, 4, 1, 2, 3, 5] })
  })

  it('refuses what would break the decoder', () => {
    expect(() => parseOpusHead(head(3, 0))).toThrow('3 channels')
    expect(() => parseOpusHead(head(0, 1, 1, 0))).toThrow('mapping')
    expect(() => parseOpusHead(head(2, 1, 1, 2, 0, 1))).toThrow('mapping')
    expect(() => parseOpusHead(head(2, 1, 1, 0, 0, 9))).toThrow('mapping')
    expect(() => parseOpusHead(head(2, 1, 1, 1))).toThrow('mapping')
    expect(() => parseOpusHead(head(16, 2))).toThrow('mapping family 2')
    expect(() => parseOpusHead(head(2, 0).subarray(0, 12))).toThrow('cut off')
  })
})
