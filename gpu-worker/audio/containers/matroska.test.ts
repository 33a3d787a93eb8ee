import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matroskaAudioTrack, matroskaPackets } from './matroska.ts'

/** An element; its size takes 8 bytes, or is unknown. */
function element(id: number, body: Uint8Array | string, isSizeKnown = true): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body
  const idBytes = Buffer.from(id.toString(16).padStart(id > 0xff ? 4 : 2, '0'), 'hex')
  const size = Buffer.alloc(8)
  size.writeBigUInt64BE(isSizeKnown ? BigInt(bytes.length) : (1n << 56n) - 1n)
  size[0] = 1
  return Buffer.concat([idBytes, size, bytes])
}

const byte = (value: number) => Uint8Array.of(value)
const audioTrack = (number: number, ...more: Uint8Array[]) =>
  element(
    0xae,
    Buffer.concat([element(0xd7, byte(number)), element(0x83, byte(2)), element(0x86, 'A_OPUS'), ...more]),
  )
const videoTrack = element(
  0xae,
  Buffer.concat([element(0xd7, byte(1)), element(0x83, byte(1)), element(0x86, 'V_VP9')]),
)

/** A SimpleBlock of track 2. */
function block(flags: number, ...body: number[]): Buffer {
  return element(0xa3, Uint8Array.of(0x82, 0, 0, flags, ...body))
}

function file(tracks: Uint8Array[], blocks: Uint8Array[], isSizeKnown = true): Uint8Array {
  return Buffer.concat([
    element(0x1a45dfa3, element(0x4282, 'webm')),
    element(
      0x18538067,
      Buffer.concat([
        element(0x1654ae6b, Buffer.concat(tracks)),
        element(0x1f43b675, Buffer.concat([element(0xe7, byte(0)), ...blocks]), isSizeKnown),
      ]),
      isSizeKnown,
    ),
  ])
}

function packets(bytes: Uint8Array): number[][] {
  return [...matroskaPackets(bytes, matroskaAudioTrack(bytes)!)].map(({ data }) => [...data])
}

describe('matroska', () => {
  it('takes the first audio track and its packets, and no others', () => {
    const other = element(0xa3, Uint8Array.of(0x81, 0, 0, 0, 99))
    const bytes = file([videoTrack, audioTrack(2), audioTrack(3)], [block(0, 1, 2), other, block(0, 3)])
    expect(matroskaAudioTrack(bytes)).toMatchObject({ number: 2, codecId: 'A_OPUS', encrypted: false })
    expect(packets(bytes)).toEqual([[1, 2], [3]])
  })

  it('reads elements of unknown size, as browsers record them', () => {
    expect(packets(file([audioTrack(2)], [block(0, 1), block(0, 2)], false))).toEqual([[1], [2]])
  })

  it('unlaces blocks: Xiph, fixed and EBML', () => {
    expect(packets(file([audioTrack(2)], [block(0x02, 2, 1, 2, 7, 8, 8, 9)]))).toEqual([[7], [8, 8], [9]])
    expect(packets(file([audioTrack(2)], [block(0x04, 1, 7, 7, 8, 8)]))).toEqual([
      [7, 7],
      [8, 8],
    ])
    // Sizes 1, then 1 + 1; differences of one byte are offset by 63.
    expect(packets(file([audioTrack(2)], [block(0x06, 2, 0x81, 0x80 | 64, 7, 8, 8, 9)]))).toEqual([
      [7],
      [8, 8],
      [9],
    ])
  })

  it('puts back headers that were stripped', () => {
    const compression = Buffer.concat([element(0x4254, byte(3)), element(0x4255, Uint8Array.of(5, 6))])
    const track = audioTrack(2, element(0x6d80, element(0x6240, element(0x5034, compression))))
    expect(packets(file([track], [block(0, 1)]))).toEqual([[5, 6, 1]])
  })

  it('tells the padding of the last packet', () => {
    const group = element(
      0xa0,
      Buffer.concat([
        element(0xa1, Uint8Array.of(0x82, 0, 0, 0, 4)),
        element(0x75a2, Uint8Array.of(0x0f, 0x42, 0x40)),
      ]),
    )
    const bytes = file([audioTrack(2)], [block(0, 3), group])
    expect(
      [...matroskaPackets(bytes, matroskaAudioTrack(bytes)!)].map(packet => packet.discardPaddingNs),
    ).toEqual([0, 1_000_000])
  })

  it('has no track where there is no audio', () => {
    expect(matroskaAudioTrack(file([videoTrack], []))).toBeNull()
    expect(matroskaAudioTrack(new Uint8Array(0))).toBeNull()
  })

  it('reads anything to its end', () => {
    const valid = file([audioTrack(2)], [block(0x02, 2, 1, 2, 7, 8, 8, 9), block(0x06, 1, 0x81, 7, 8)])
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 20 }),
        fc.nat(valid.length),
        (edits, length) => {
          const broken = Uint8Array.from(valid)
          for (const [at, value] of edits) broken[at] = value
          const bytes = broken.subarray(0, length)
          const track = matroskaAudioTrack(bytes)
          if (track)
            for (const { data } of matroskaPackets(bytes, track)) expect(data).toBeInstanceOf(Uint8Array)
        },
      ),
      { numRuns: 200 },
    )
  })
})
