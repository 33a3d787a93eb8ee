/** Ogg (RFC 3533): pages of up to 255 segments, which make up the packets of one or more streams. */
import { concatBytes } from '../../../src/protocol/concat-bytes.ts'

/** One packet of a stream. `data` is a view of the file where the packet lies in one page. */
export interface OggPacket {
  data: Uint8Array
  /**
   * The page's position in the stream, when this is the last packet that ends on the page: samples up to its end, as
   * the codec counts them. Null for other packets, and for pages that have none.
   */
  granulePosition: number | null
  /** Whether the page is the last of its stream. */
  endOfStream: boolean
}

/** One of the parts of a chained file, most often the only one: streams that begin together. */
export interface OggLink {
  /** The part of the file. */
  bytes: Uint8Array
  /** The first packet of each stream, by serial number. */
  streams: Map<number, Uint8Array>
}

interface OggPage {
  offset: number
  serial: number
  continued: boolean
  beginsStream: boolean
  endOfStream: boolean
  granulePosition: number | null
  /** Lengths of the segments, bytes; one below 255 ends a packet. */
  lacing: Uint8Array
  bodyOffset: number
}

const HEADER_BYTES = 27
const CONTINUED = 1
const BEGINS_STREAM = 2
const END_OF_STREAM = 4

/** The parts of a file: recordings of radio streams, and files that were strung together, have several. */
export function* oggLinks(bytes: Uint8Array): Generator<OggLink> {
  let start = 0
  let streams = new Map<number, Uint8Array>()
  let isBeginning = true
  for (const page of pages(bytes)) {
    if (page.beginsStream && !isBeginning) {
      yield { bytes: bytes.subarray(start, page.offset), streams }
      start = page.offset
      streams = new Map()
    }
    isBeginning = page.beginsStream
    if (page.beginsStream)
      streams.set(page.serial, bytes.subarray(page.bodyOffset, page.bodyOffset + (page.lacing[0] ?? 0)))
  }
  yield { bytes: bytes.subarray(start), streams }
}

/**
 * The packets of one stream, in order. Bytes that are no page are skipped; what is cut off at the end is left out.
 * @param bytes one part of a file: the next may use the same serial number
 */
export function* oggPackets(bytes: Uint8Array, serial: number): Generator<OggPacket> {
  let pending: Uint8Array[] = []
  for (const page of pages(bytes)) {
    if (page.serial !== serial) continue
    const { lacing, granulePosition, endOfStream } = page
    let at = page.bodyOffset
    let lastEnd = lacing.length - 1
    while (lastEnd >= 0 && lacing[lastEnd] === 255) lastEnd--
    // Without its beginning, the rest of a packet is of no use; without a rest, its beginning isn't either.
    let broken = page.continued && pending.length === 0
    if (!page.continued) pending = []
    let length = 0
    for (let segment = 0; segment < lacing.length; segment++) {
      length += lacing[segment]!
      if (lacing[segment] === 255) continue
      if (at + length > bytes.length) return
      const piece = bytes.subarray(at, at + length)
      at += length
      length = 0
      const data = joined([...pending, piece])
      pending = []
      if (!broken) yield { data, granulePosition: segment === lastEnd ? granulePosition : null, endOfStream }
      broken = false
    }
    if (length > 0 && !broken) pending.push(bytes.subarray(at, at + length))
  }
}

/** All pages; of the last one, the body's end may be missing. */
function* pages(bytes: Uint8Array): Generator<OggPage> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  for (;;) {
    at = findCapturePattern(bytes, at)
    if (at < 0 || at + HEADER_BYTES > bytes.length) return
    const lacingOffset = at + HEADER_BYTES
    const bodyOffset = lacingOffset + bytes[at + 26]!
    const lacing = bytes.subarray(lacingOffset, bodyOffset)
    let bodyBytes = 0
    for (const length of lacing) bodyBytes += length
    if (bytes[at + 4] !== 0 || bodyOffset > bytes.length) {
      at += 4
      continue
    }
    const flags = bytes[at + 5]!
    const granule = view.getBigInt64(at + 6, true)
    yield {
      offset: at,
      serial: view.getUint32(at + 14, true),
      continued: (flags & CONTINUED) !== 0,
      beginsStream: (flags & BEGINS_STREAM) !== 0,
      endOfStream: (flags & END_OF_STREAM) !== 0,
      granulePosition: granule < 0n ? null : Number(granule),
      lacing,
      bodyOffset,
    }
    at = bodyOffset + bodyBytes
  }
}

/** Offset of the next `OggS` at or after `from`, or -1. */
function findCapturePattern(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(0x4f, from)
  while (at >= 0) {
    if (bytes[at + 1] === 0x67 && bytes[at + 2] === 0x67 && bytes[at + 3] === 0x53) return at
    at = bytes.indexOf(0x4f, at + 1)
  }
  return -1
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    pieces,
    pieces.reduce((sum, piece) => sum + piece.length, 0),
  )
}
