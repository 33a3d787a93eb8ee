/**
 * FLAC (RFC 9639), native and in Ogg, through libFLAC in WebAssembly.
 *
 * Frames are cut out here and decoded one by one, so that no more than one (65,535 samples) is in memory at a time: a
 * frame of a few bytes can hold that much silence. Where a frame ends is not written in it; it ends before the next
 * header whose checksum holds, when the checksum over the whole frame holds as well.
 */
import { FLACDecoder } from '@wasm-audio-decoders/flac'
import { ApiError } from '../../../src/protocol/errors.ts'
import { checkSampleRate, type PcmCollector } from '../pcm-collector.ts'

/** What STREAMINFO says that frames may leave out. */
interface StreamInfo {
  sampleRateHz: number
  channels: number
}

/** The smallest frame: header, one constant subframe of 8 bits, checksum. */
const MIN_FRAME_BYTES = 10
/** Headers that may lie within a frame by chance before it is given up. */
const MAX_FALSE_HEADERS = 8

/**
 * Decodes a native FLAC file into `collector`. Broken frames are skipped.
 * @throws ApiError `audio_unreadable`, `audio_too_long`, `audio_format_unsupported`
 */
export async function decodeFlac(bytes: Uint8Array, collector: PcmCollector): Promise<void> {
  let at = 4
  let info: StreamInfo | null = null
  for (let isLast = false; !isLast && at + 4 <= bytes.length; ) {
    isLast = (bytes[at]! & 0x80) !== 0
    const type = bytes[at]! & 0x7f
    const length = (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
    if (type === 0) info = parseStreamInfo(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  if (!info) throw unreadable('its stream information is missing')
  collector.source = { container: 'flac', codec: 'flac', ...info }
  await decodeFlacFrames(info, flacFrames(bytes, at, collector), collector)
}

/**
 * Decodes the packets of an Ogg stream that begins with `\x7fFLAC`: headers first, then one frame each.
 * @throws ApiError as `decodeFlac`
 */
export async function decodeOggFlac(
  packets: Iterable<Uint8Array>,
  first: Uint8Array,
  collector: PcmCollector,
): Promise<void> {
  // 0x7f "FLAC", version, number of headers, "fLaC", and a metadata block's header of 4 bytes come before STREAMINFO.
  const info = parseStreamInfo(first.subarray(17))
  collector.source ??= { container: 'ogg', codec: 'flac', ...info }
  await decodeFlacFrames(info, audioPackets(packets), collector)
}

function* audioPackets(packets: Iterable<Uint8Array>): Generator<Uint8Array> {
  for (const packet of packets) if (isFrameHeader(packet, 0)) yield packet
}

function parseStreamInfo(block: Uint8Array): StreamInfo {
  if (block.length < 18) throw unreadable('its stream information is cut off')
  const sampleRateHz = (block[10]! << 12) | (block[11]! << 4) | (block[12]! >> 4)
  checkSampleRate(sampleRateHz)
  return { sampleRateHz, channels: ((block[12]! >> 1) & 7) + 1 }
}

async function decodeFlacFrames(
  info: StreamInfo,
  frames: Iterable<Uint8Array>,
  collector: PcmCollector,
): Promise<void> {
  const decoder = new FLACDecoder()
  await decoder.ready
  for (const frame of frames) {
    const { channelData, samplesDecoded } = await decoder.decodeFrames([frame])
    if (samplesDecoded > 0) collector.writeChannels(channelData, info.sampleRateHz)
    else collector.brokenPackets++
  }
  decoder.free()
}

/** The frames from `from` on whose checksums hold; the last may lack its end, and is then left out. */
function* flacFrames(bytes: Uint8Array, from: number, collector: PcmCollector): Generator<Uint8Array> {
  let start = findFrameHeader(bytes, from)
  while (start >= 0) {
    let crc = 0
    let checked = start
    let end = start
    let next = -1
    for (let attempt = 0; attempt < MAX_FALSE_HEADERS; attempt++) {
      const candidate = findFrameHeader(bytes, attempt === 0 ? start + MIN_FRAME_BYTES : end + 1)
      if (attempt === 0) next = candidate
      end = candidate < 0 ? bytes.length : candidate
      // Over a frame and the checksum that follows it, the checksum is 0.
      for (; checked < end; checked++) crc = ((crc << 8) ^ crc16Table[(crc >> 8) ^ bytes[checked]!]!) & 0xffff
      if (crc === 0) {
        yield bytes.subarray(start, end)
        next = candidate
        break
      }
      if (candidate < 0 || attempt === MAX_FALSE_HEADERS - 1) {
        collector.brokenPackets++
        break
      }
    }
    start = next
  }
}

function findFrameHeader(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(0xff, from)
  while (at >= 0 && !isFrameHeader(bytes, at)) at = bytes.indexOf(0xff, at + 1)
  return at
}

/** Whether a frame header with a right checksum is at `at` (RFC 9639, section 9.1). */
function isFrameHeader(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== 0xff || ((bytes[at + 1] ?? 0) & 0xfe) !== 0xf8 || at + 6 > bytes.length) return false
  const blockSizeCode = bytes[at + 2]! >> 4
  const rateCode = bytes[at + 2]! & 15
  const channelCode = bytes[at + 3]! >> 4
  if (blockSizeCode === 0 || rateCode === 15 || channelCode > 10 || bytes[at + 3]! & 1) return false
  // The frame's number is coded as UTF-8 codes characters, up to 7 bytes.
  const numberBytes = Math.max(1, Math.clz32(~bytes[at + 4]! << 24))
  if (numberBytes > 7) return false
  let end = at + 4 + numberBytes
  end += blockSizeCode === 6 ? 1 : blockSizeCode === 7 ? 2 : 0
  end += rateCode === 12 ? 1 : rateCode === 13 || rateCode === 14 ? 2 : 0
  if (end >= bytes.length) return false
  let crc = 0
  for (let i = at; i < end; i++) crc = crc8Table[crc ^ bytes[i]!]!
  return crc === bytes[end]
}

/** x^8 + x^2 + x + 1 */
const crc8Table = Uint8Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 0x80 ? (byte << 1) ^ 0x07 : byte << 1
  return byte
})

/** x^16 + x^15 + x^2 + 1 */
const crc16Table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x8005 : crc << 1
  return crc
})

function unreadable(why: string): ApiError {
  return new ApiError('audio_unreadable', {
    message: `The audio looks like FLAC, but ${why}. Check that the file plays.`,
  })
}
