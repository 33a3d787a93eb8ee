/** Headers of MPEG audio frames (ISO 11172-3, 13818-3): enough to find frames and say what they are. */

/** One frame, from its four header bytes. */
export interface MpegFrame {
  layer: 1 | 2 | 3
  sampleRateHz: number
  channels: 1 | 2
  /** Samples of each channel. */
  samples: number
  /** Length with its header, bytes. */
  bytes: number
}

const MPEG1_RATES_HZ = [44_100, 48_000, 32_000]
/** kbit/s by index; rows: MPEG-1 layers 1, 2, 3; MPEG-2 and 2.5 layer 1; MPEG-2 and 2.5 layers 2 and 3. */
const BITRATES = [
  [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
]

/** The frame whose header is at `at`, or null when there is none. Free-format frames (no bitrate) are not taken. */
export function parseMpegFrame(bytes: Uint8Array, at: number): MpegFrame | null {
  if (at + 4 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1]! & 0xe0) !== 0xe0) return null
  const version = (bytes[at + 1]! >> 3) & 3 // 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5, 1: reserved
  const layerBits = (bytes[at + 1]! >> 1) & 3 // 3: layer 1, 2: layer 2, 1: layer 3, 0: reserved (ADTS)
  const bitrateIndex = bytes[at + 2]! >> 4
  const rateIndex = (bytes[at + 2]! >> 2) & 3
  if (version === 1 || layerBits === 0 || bitrateIndex === 0 || bitrateIndex === 15 || rateIndex === 3)
    return null
  const layer = (4 - layerBits) as 1 | 2 | 3
  const row = version === 3 ? layer - 1 : layer === 1 ? 3 : 4
  const sampleRateHz = MPEG1_RATES_HZ[rateIndex]! / (version === 3 ? 1 : version === 2 ? 2 : 4)
  const padding = (bytes[at + 2]! >> 1) & 1
  const bitsPerSecond = BITRATES[row]![bitrateIndex]! * 1000
  const samples = layer === 1 ? 384 : layer === 3 && version !== 3 ? 576 : 1152
  // samples / 8 bits a byte * bits a second / samples a second; layer 1 counts in slots of 4 bytes.
  const length =
    layer === 1
      ? 4 * (Math.floor((12 * bitsPerSecond) / sampleRateHz) + padding)
      : Math.floor(((samples / 8) * bitsPerSecond) / sampleRateHz) + padding
  return { layer, sampleRateHz, channels: bytes[at + 3]! >> 6 === 3 ? 1 : 2, samples, bytes: length }
}

/**
 * Offset of the first of `run` frames in a row (fewer when the data ends on a frame), or -1.
 * @param from first offset to look at
 * @param to end of the offsets to look at
 */
export function findMpegFrames(bytes: Uint8Array, from: number, to: number, run: number): number {
  const end = Math.min(to, bytes.length)
  for (let at = bytes.indexOf(0xff, from); at >= 0 && at < end; at = bytes.indexOf(0xff, at + 1))
    if (isRunOfFrames(bytes, at, run)) return at
  return -1
}

function isRunOfFrames(bytes: Uint8Array, at: number, run: number): boolean {
  let first: MpegFrame | null = null
  for (let i = 0; i < run; i++) {
    const frame = parseMpegFrame(bytes, at)
    if (!frame) return i > 0 && at >= bytes.length
    first ??= frame
    if (frame.layer !== first.layer || frame.sampleRateHz !== first.sampleRateHz) return false
    at += frame.bytes
  }
  return true
}

/** Seconds of audio in all frames from `from` on, by their headers alone. */
export function mpegSeconds(bytes: Uint8Array, from: number): number {
  let seconds = 0
  let at = from
  while (at >= 0 && at < bytes.length) {
    const frame = parseMpegFrame(bytes, at)
    if (frame) {
      seconds += frame.samples / frame.sampleRateHz
      at += frame.bytes
    } else at = findMpegFrames(bytes, at + 1, bytes.length, 2)
  }
  return seconds
}
