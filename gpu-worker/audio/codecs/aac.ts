/**
 * AAC-LC, HE-AAC and HE-AAC v2, in ADTS, LATM, MP4/M4A and fragmented MP4, through our WebAssembly build of the Rust
 * crate `syom` (gpu-worker/audio/wasm says how it is made, and under which licence).
 */
import { readFile } from 'node:fs/promises'
import { ApiError } from '../../../src/protocol/errors.ts'
import type { PcmCollector } from '../pcm-collector.ts'

/** What the module exports; see wasm/aac/src/lib.rs. */
interface AacExports {
  memory: WebAssembly.Memory
  allocate(length: number): number
  decode(input: number, length: number): number
}

const STOPPED = 1
const UNSUPPORTED = 3

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
  const input = exports.allocate(bytes.length)
  if (input === 0) throw new RangeError('No memory for the AAC decoder.')
  new Uint8Array(exports.memory.buffer, input, bytes.length).set(bytes)
  const result = exports.decode(input, bytes.length)
  if (result === STOPPED) throw stopReason
  if (collector.receivedSeconds === 0 && container === 'mp4') {
    const codec = mp4AudioCodec(bytes)
    if (codec !== 'mp4a' || result === UNSUPPORTED) throw unsupported(codec)
  }
}

/** The four letters of the first sample description of a sound track; null when there is no such track. */
function mp4AudioCodec(bytes: Uint8Array): string | null {
  const text = new TextDecoder('latin1')
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const handler = file.indexOf('soun')
  const description = handler < 0 ? -1 : file.indexOf('stsd', handler)
  // stsd: version and flags, count, then the entry's size and its letters.
  return description < 0 ? null : text.decode(bytes.subarray(description + 16, description + 20))
}

function unsupported(codec: string | null): ApiError {
  const known: Record<string, string> = {
    alac: 'Apple Lossless',
    Opus: 'Opus',
    'ac-3': 'Dolby Digital',
    '.mp3': 'MP3',
  }
  const holds =
    codec === null ? 'no sound track' : codec === 'mp4a' ? 'AAC of a rare profile' : (known[codec] ?? codec)
  return new ApiError('audio_format_unsupported', {
    message: `The MP4 file holds ${holds}. Send AAC, or WAV, MP3, FLAC, Ogg or WebM.`,
  })
}
