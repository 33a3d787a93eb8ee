/**
 * AAC-LC, HE-AAC and HE-AAC v2, in ADTS, LATM, MP4/M4A and fragmented MP4, through our WebAssembly build of the Rust
 * crate `syom` (gpu-worker/audio/wasm says how it is made, and under which licence).
 */
import { readFile } from 'node:fs/promises'
import { ApiError } from '../../../src/protocol/errors.ts'
import { type PcmCollector, tooLong } from '../pcm-collector.ts'

/** What the module exports; see wasm/aac/src/lib.rs. */
interface AacExports {
  memory: WebAssembly.Memory
  allocate(length: number): number
  decode(input: number, length: number): number
}

const DONE = 0
const STOPPED = 1
const UNSUPPORTED = 3

/** A byte of these is an AAC frame that ends at once and gives nothing. */
const END_ELEMENTS = 0xff
/** Most bytes that are filled up for a file that was cut off. */
const MAX_MISSING_BYTES = 33_554_432

let compiled: Promise<WebAssembly.Module> | undefined

/**
 * Decodes AAC into `collector`. Frames before a broken one are kept.
 * @throws ApiError `audio_too_long`, `audio_format_unsupported` for other codecs in MP4; others when it cannot be read
 */
export async function decodeAac(
  bytes: Uint8Array,
  container: 'mp4' | 'adts' | 'latm',
  collector: PcmCollector,
): Promise<void> {
  const seconds = container === 'adts' ? adtsSeconds(bytes) : 0
  if (seconds > collector.maxSeconds) throw tooLong(seconds, collector.maxSeconds)
  compiled ??= readFile(new URL('../wasm/aac.wasm', import.meta.url)).then(file => WebAssembly.compile(file))
  let stopReason: unknown
  const onFrame = (pcm: number, samples: number, sampleRateHz: number, channels: number): number => {
    collector.source ??= { container, codec: 'aac', sampleRateHz, channels }
    try {
      collector.write(new Float32Array(exports.memory.buffer, pcm, samples), sampleRateHz)
      return 0
    } catch (error) {
      stopReason = error
      return 1
    }
  }
  const instance = await WebAssembly.instantiate(await compiled, { host: { on_frame: onFrame } })
  const exports = instance.exports as unknown as AacExports
  const length = bytes.length + (container === 'mp4' ? missingMp4Bytes(bytes) : 0)
  const input = exports.allocate(length)
  if (input === 0) throw new RangeError('No memory for the AAC decoder.')
  const file = new Uint8Array(exports.memory.buffer, input, length)
  file.set(bytes)
  file.fill(END_ELEMENTS, bytes.length)
  const result = exports.decode(input, length)
  if (result === STOPPED) throw stopReason
  if (collector.receivedSeconds > 0) return
  if (container === 'mp4') {
    const codec = mp4AudioCodec(bytes)
    if (codec !== 'mp4a' || result === UNSUPPORTED) throw unsupported(codec)
  }
  if (result !== DONE) collector.brokenPackets++
}

/** Sampling frequencies by index (ISO 14496-3, table 1.18), Hz. */
const ADTS_RATES_HZ = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
]

/** Seconds of audio in a run of ADTS frames, by their headers alone. */
function adtsSeconds(bytes: Uint8Array): number {
  let seconds = 0
  let at = 0
  while (at + 7 <= bytes.length && bytes[at] === 0xff && (bytes[at + 1]! & 0xf6) === 0xf0) {
    const rateHz = ADTS_RATES_HZ[(bytes[at + 2]! >> 2) & 15]
    const length = ((bytes[at + 3]! & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >> 5)
    if (!rateHz || length < 7) break
    // Blocks of 1,024 samples, one or more a frame; spectral band replication doubles samples and rate alike.
    seconds += (1024 * ((bytes[at + 6]! & 3) + 1)) / rateHz
    at += length
  }
  return seconds
}

/**
 * How many bytes a file lacks that was cut off within its last box. The decoder wants all that the index points to, so
 * they are filled up.
 */
function missingMp4Bytes(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at + 8 <= bytes.length) {
    let size = view.getUint32(at)
    // A size of 1 stands for one of 64 bits behind the name, 0 for the rest of the file.
    if (size === 1) size = at + 16 <= bytes.length ? Number(view.getBigUint64(at + 8)) : 0
    if (size < 8) return 0
    at += size
  }
  return Math.min(Math.max(0, at - bytes.length), MAX_MISSING_BYTES)
}

/**
 * The four letters of the first sample description of a sound track; null when there is no such track.
 * @throws ApiError `audio_unreadable` when the file was cut off before its index
 */
function mp4AudioCodec(bytes: Uint8Array): string | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (file.indexOf('moov') < 0)
    throw new ApiError('audio_unreadable', {
      message:
        'The audio looks like an MP4 file, but its index is missing: it was cut off while it was written or sent.',
    })
  const handler = file.indexOf('soun')
  const description = handler < 0 ? -1 : file.indexOf('stsd', handler)
  // stsd: version and flags, count, then the entry's size and its letters.
  return description < 0 ? null : file.toString('latin1', description + 16, description + 20)
}

function unsupported(codec: string | null): ApiError {
  const known: Record<string, string> = {
    alac: 'Apple Lossless',
    Opus: 'Opus',
    'ac-3': 'Dolby Digital',
    '.mp3': 'MP3',
  }
  const holds =
    codec === null
      ? 'no sound track'
      : codec === 'mp4a'
        ? 'AAC of a rare profile'
        : (known[codec] ?? `'${codec.replace(/[^ -~]/g, '?')}'`)
  return new ApiError('audio_format_unsupported', {
    message: `The MP4 file holds ${holds}. Send AAC, or WAV, MP3, FLAC, Ogg or WebM.`,
  })
}
