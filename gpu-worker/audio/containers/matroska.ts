/**
 * Matroska and WebM (RFC 9559, on EBML, RFC 8794): the packets of the first audio track.
 *
 * The file is read as one flat run of elements: masters that lead to audio are stepped into, everything else is
 * skipped by its size. So sizes that are unknown (browsers record them so) or that lie need no special case, and a file
 * that was cut off gives what it holds.
 */

/** The first audio track. */
export interface MatroskaTrack {
  number: number
  /** As in `A_OPUS`, `A_VORBIS`. */
  codecId: string
  codecPrivate: Uint8Array
  sampleRateHz: number
  channels: number
  /** What to leave out at the beginning, nanoseconds. */
  codecDelayNs: number
  /** Bytes that were taken off the front of every packet, or null when packets are whole. */
  strippedHeader: Uint8Array | null
  encrypted: boolean
}

/** One packet of a track. */
export interface MatroskaPacket {
  data: Uint8Array
  /** What to leave out at its end, nanoseconds. */
  discardPaddingNs: number
}

const ID = {
  segment: 0x18538067,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackType: 0x83,
  codecId: 0x86,
  codecPrivate: 0x63a2,
  codecDelay: 0x56aa,
  audio: 0xe1,
  samplingFrequency: 0xb5,
  channels: 0x9f,
  contentEncodings: 0x6d80,
  contentEncoding: 0x6240,
  contentCompression: 0x5034,
  contentCompressionAlgorithm: 0x4254,
  contentCompressionSettings: 0x4255,
  contentEncryption: 0x5035,
  cluster: 0x1f43b675,
  blockGroup: 0xa0,
  block: 0xa1,
  simpleBlock: 0xa3,
  discardPadding: 0x75a2,
} as const

const masters = new Set<number>([
  ID.segment,
  ID.tracks,
  ID.trackEntry,
  ID.audio,
  ID.contentEncodings,
  ID.contentEncoding,
  ID.contentCompression,
  ID.cluster,
  ID.blockGroup,
])

const TRACK_TYPE_AUDIO = 2
const HEADER_STRIPPING = 3

interface Element {
  id: number
  /** The payload; of masters, everything that follows. */
  data: Uint8Array
}

/** Reads the tracks. Null when there is no audio track. */
export function matroskaAudioTrack(bytes: Uint8Array): MatroskaTrack | null {
  let track: (MatroskaTrack & { type: number }) | null = null
  const isAudio = () => track?.type === TRACK_TYPE_AUDIO && track.codecId !== ''
  for (const { id, data } of elements(bytes)) {
    if (id === ID.cluster) break
    if (id === ID.trackEntry) {
      if (isAudio()) break
      track = {
        type: 0,
        number: 0,
        codecId: '',
        codecPrivate: new Uint8Array(0),
        sampleRateHz: 8000,
        channels: 1,
        codecDelayNs: 0,
        strippedHeader: null,
        encrypted: false,
      }
    }
    if (!track) continue
    if (id === ID.trackNumber) track.number = unsigned(data)
    if (id === ID.trackType) track.type = unsigned(data)
    if (id === ID.codecId) track.codecId = String.fromCharCode(...data.subarray(0, 64)).replace(/\0.*$/s, '')
    if (id === ID.codecPrivate) track.codecPrivate = data
    if (id === ID.codecDelay) track.codecDelayNs = unsigned(data)
    if (id === ID.samplingFrequency) track.sampleRateHz = float(data)
    if (id === ID.channels) track.channels = unsigned(data)
    if (id === ID.contentCompression) track.strippedHeader ??= new Uint8Array(0)
    if (id === ID.contentCompressionAlgorithm && unsigned(data) !== HEADER_STRIPPING) track.encrypted = true
    if (id === ID.contentCompressionSettings) track.strippedHeader = data
    if (id === ID.contentEncryption) track.encrypted = true
  }
  return isAudio() ? track : null
}

/** The packets of a track, in the order of the file. */
export function* matroskaPackets(bytes: Uint8Array, track: MatroskaTrack): Generator<MatroskaPacket> {
  // A block's padding follows it in its group, so the last packet waits for it.
  let waiting: MatroskaPacket | null = null
  for (const { id, data } of elements(bytes)) {
    if (id === ID.discardPadding && waiting) waiting.discardPaddingNs = signed(data)
    if (id === ID.trackEntry || (id !== ID.block && id !== ID.simpleBlock)) continue
    const number = readVint(data, 0, true)
    if (!number || number.value !== track.number) continue
    for (const frame of blockFrames(data, number.bytes)) {
      if (waiting) yield waiting
      waiting = { data: restoreHeader(frame, track.strippedHeader), discardPaddingNs: 0 }
    }
  }
  if (waiting) yield waiting
}

function restoreHeader(frame: Uint8Array, stripped: Uint8Array | null): Uint8Array {
  if (!stripped || stripped.length === 0) return frame
  const whole = new Uint8Array(stripped.length + frame.length)
  whole.set(stripped)
  whole.set(frame, stripped.length)
  return whole
}

/** The frames of a block: after the track number come a time (2 bytes), flags (1 byte), and how frames are laced. */
function blockFrames(block: Uint8Array, at: number): Uint8Array[] {
  const lacing = ((block[at + 2] ?? 0) >> 1) & 3
  at += 3
  if (at > block.length) return []
  if (lacing === 0) return [block.subarray(at)]
  const count = (block[at++] ?? 0) + 1
  const sizes: number[] = []
  if (lacing === 2) {
    const size = Math.floor((block.length - at) / count)
    for (let i = 0; i < count - 1; i++) sizes.push(size)
  } else if (lacing === 1) {
    for (let i = 0; i < count - 1; i++) {
      let size = 0
      while (block[at] === 255) size += block[at++]!
      size += block[at++] ?? 0
      sizes.push(size)
    }
  } else {
    let size = 0
    for (let i = 0; i < count - 1; i++) {
      const vint = readVint(block, at, true)
      if (!vint) return []
      at += vint.bytes
      // The first is a size; the others are differences, offset to be unsigned.
      size = i === 0 ? vint.value : size + vint.value - (2 ** (7 * vint.bytes - 1) - 1)
      if (size < 0) return []
      sizes.push(size)
    }
  }
  const frames: Uint8Array[] = []
  for (const size of sizes) {
    if (at + size > block.length) return frames
    frames.push(block.subarray(at, at + size))
    at += size
  }
  frames.push(block.subarray(at))
  return frames
}

/** All elements, masters before their children. */
function* elements(bytes: Uint8Array): Generator<Element> {
  let at = 0
  while (at < bytes.length) {
    const id = readVint(bytes, at, false)
    if (!id || id.bytes > 4) return
    const size = readVint(bytes, at + id.bytes, true)
    if (!size) return
    at += id.bytes + size.bytes
    if (masters.has(id.value)) {
      yield { id: id.value, data: bytes.subarray(at) }
      continue
    }
    if (at + size.value > bytes.length) return
    yield { id: id.value, data: bytes.subarray(at, at + size.value) }
    at += size.value
  }
}

/** A number of 1 to 8 bytes whose leading zero bits tell its length; ids keep their marker bit, sizes don't. */
function readVint(
  bytes: Uint8Array,
  at: number,
  dropMarker: boolean,
): { value: number; bytes: number } | null {
  const first = bytes[at]
  if (!first) return null
  const length = Math.clz32(first) - 23
  if (at + length > bytes.length) return null
  let value = dropMarker ? first & (0xff >> length) : first
  for (let i = 1; i < length; i++) value = value * 256 + bytes[at + i]!
  return { value, bytes: length }
}

function unsigned(data: Uint8Array): number {
  return data.subarray(0, 8).reduce((value, byte) => value * 256 + byte, 0)
}

function signed(data: Uint8Array): number {
  const value = unsigned(data)
  return (data[0] ?? 0) & 0x80 ? value - 2 ** (8 * Math.min(data.length, 8)) : value
}

function float(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  return data.length === 4 ? view.getFloat32(0) : data.length === 8 ? view.getFloat64(0) : 0
}
