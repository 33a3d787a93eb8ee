import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { oggLinks, oggPackets } from './ogg.ts'

interface Page {
  serial?: number
  flags?: number
  granule?: bigint
  lacing: number[]
}

const CONTINUED = 1
const BEGINS = 2
const ENDS = 4

/** A page whose body counts up from `from`. */
function page({ serial = 1, flags = 0, granule = -1n, lacing }: Page, from = 0): Buffer {
  const header = Buffer.alloc(27 + lacing.length)
  header.write('OggS', 'latin1')
  header[5] = flags
  header.writeBigInt64LE(granule, 6)
  header.writeUInt32LE(serial, 14)
  header[26] = lacing.length
  header.set(lacing, 27)
  const length = lacing.reduce((sum, bytes) => sum + bytes, 0)
  return Buffer.concat([header, Uint8Array.from({ length }, (_, i) => (from + i) % 251)])
}

function lengths(file: Uint8Array, serial = 1): number[] {
  return [...oggPackets(file, serial)].map(({ data }) => data.length)
}

describe('oggPackets', () => {
  it('cuts a page into packets', () => {
    const packets = [...oggPackets(page({ lacing: [2, 0, 255, 10], granule: 960n, flags: ENDS }), 1)]
    expect(packets.map(({ data }) => data.length)).toEqual([2, 0, 265])
    expect([...packets[0]!.data]).toEqual([0, 1])
    expect(packets.map(({ granulePosition }) => granulePosition)).toEqual([null, null, 960])
    expect(packets.every(({ endOfStream }) => endOfStream)).toBe(true)
  })

  it('joins a packet over three pages', () => {
    const file = Buffer.concat([
      page({ lacing: [5, 255] }),
      page({ lacing: [255], flags: CONTINUED }, 260),
      page({ lacing: [1, 3], flags: CONTINUED }, 515),
    ])
    const packets = [...oggPackets(file, 1)]
    expect(packets.map(({ data }) => data.length)).toEqual([5, 511, 3])
    expect([...packets[1]!.data]).toEqual(Array.from({ length: 511 }, (_, i) => (5 + i) % 251))
  })

  it('keeps streams apart', () => {
    const file = Buffer.concat([
      page({ lacing: [4], flags: BEGINS, serial: 1 }),
      page({ lacing: [5], flags: BEGINS, serial: 2 }),
      page({ lacing: [6], serial: 1 }),
      page({ lacing: [7], serial: 2 }),
    ])
    const [link, ...more] = oggLinks(file)
    expect(more).toEqual([])
    expect([...link!.streams].map(([serial, first]) => [serial, first.length])).toEqual([
      [1, 4],
      [2, 5],
    ])
    expect(lengths(file, 1)).toEqual([4, 6])
    expect(lengths(file, 2)).toEqual([5, 7])
  })

  it('splits a chained file into its links, though they share a serial number', () => {
    const part = (length: number) =>
      Buffer.concat([page({ lacing: [length], flags: BEGINS }), page({ lacing: [length + 1], flags: ENDS })])
    const links = [...oggLinks(Buffer.concat([part(3), part(5)]))]
    expect(links.map(({ bytes }) => lengths(bytes))).toEqual([
      [3, 4],
      [5, 6],
    ])
  })

  it('skips what is no page, and packets whose beginning is lost', () => {
    const file = Buffer.concat([Buffer.from('junk OggX'), page({ lacing: [9, 4], flags: CONTINUED })])
    expect(lengths(file)).toEqual([4])
  })

  it('forgets a packet whose rest is lost', () => {
    expect(lengths(Buffer.concat([page({ lacing: [255] }), page({ lacing: [7] })]))).toEqual([7])
  })

  it('gives the whole packets of a page that was cut off', () => {
    expect(lengths(page({ lacing: [10, 20, 30] }).subarray(0, 30 + 35))).toEqual([10, 20])
  })

  it('reads anything to its end', () => {
    const file = Buffer.concat([page({ lacing: [5, 255] }), page({ lacing: [9, 9], flags: CONTINUED })])
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { maxLength: 20 }), edits => {
        const broken = Uint8Array.from(file)
        for (const [at, value] of edits) broken[at] = value
        for (const { data } of oggPackets(broken, 1)) expect(data.length).toBeLessThanOrEqual(file.length)
      }),
      { numRuns: 200 },
    )
  })
})
