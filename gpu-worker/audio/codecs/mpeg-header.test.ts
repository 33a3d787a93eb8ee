import { describe, expect, it } from 'vitest'
import { findMpegFrames, mpegSeconds, parseMpegFrame } from './mpeg-header.ts'

/** MPEG-1 layer 3, 128 kbit/s, 44.1 kHz, stereo: 417 bytes. */
const header = [0xff, 0xfb, 0x90, 0x00]

function frames(count: number): Uint8Array {
  const bytes = new Uint8Array(count * 417)
  for (let i = 0; i < count; i++) bytes.set(header, i * 417)
  return bytes
}

describe('parseMpegFrame', () => {
  it('reads version, layer, rate and length', () => {
    for (const [bytes, expected] of [
      [header, { layer: 3, sampleRateHz: 44_100, channels: 2, samples: 1152, bytes: 417 }],
      [[0xff, 0xfb, 0x92, 0xc0], { layer: 3, sampleRateHz: 44_100, channels: 1, samples: 1152, bytes: 418 }],
      [[0xff, 0xf3, 0x48, 0xc4], { layer: 3, sampleRateHz: 16_000, channels: 1, samples: 576, bytes: 144 }],
      [[0xff, 0xe3, 0x18, 0xc4], { layer: 3, sampleRateHz: 8_000, channels: 1, samples: 576, bytes: 72 }],
      [[0xff, 0xfd, 0xa4, 0x00], { layer: 2, sampleRateHz: 48_000, channels: 2, samples: 1152, bytes: 576 }],
      [[0xff, 0xff, 0xc4, 0x00], { layer: 1, sampleRateHz: 48_000, channels: 2, samples: 384, bytes: 384 }],
    ] as const)
      expect(parseMpegFrame(Uint8Array.from(bytes), 0)).toEqual(expected)
  })

  it('takes no reserved values, and no ADTS', () => {
    for (const bytes of [
      [0xff, 0xf9, 0x90, 0x00],
      [0xff, 0xfb, 0xf0, 0x00],
      [0xff, 0xfb, 0x00, 0x00],
      [0xff, 0xfb, 0x9c, 0x00],
      [0xff, 0xeb, 0x90, 0x00],
      [0xff, 0xfb, 0x90],
    ])
      expect(parseMpegFrame(Uint8Array.from(bytes), 0)).toBeNull()
  })
})

describe('findMpegFrames', () => {
  it('wants frames in a row, or frames up to the end', () => {
    expect(findMpegFrames(frames(3), 0, 10, 3)).toBe(0)
    expect(findMpegFrames(frames(1), 0, 10, 2)).toBe(0)
    const broken = frames(3)
    broken[417] = 0
    expect(findMpegFrames(broken, 0, 400, 3)).toBe(-1)
  })
})

describe('mpegSeconds', () => {
  it('counts frames, over junk between them', () => {
    expect(mpegSeconds(frames(100), 0)).toBeCloseTo((100 * 1152) / 44_100, 9)
    const interrupted = Buffer.concat([frames(10), Buffer.alloc(999), frames(10)])
    expect(mpegSeconds(interrupted, 0)).toBeCloseTo((20 * 1152) / 44_100, 9)
  })
})
