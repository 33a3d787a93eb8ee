/**
 * WAV files: RIFF, and RF64/BW64 for large ones. PCM of 8 to 32 bits, float of 32 and 64 bits, A-law and mu-law, plain
 * or as WAVE_FORMAT_EXTENSIBLE. Sizes in headers are only believed as far as the bytes are there: a file that was cut
 * off, or streamed with an unknown length, gives what it holds.
 */
import { ApiError } from '../../src/protocol/errors.ts'
import { checkSampleRate, type PcmCollector, tooLong } from './pcm-collector.ts'

type Encoding = 'u8' | 's16' | 's24' | 's32' | 'f32' | 'f64' | 'alaw' | 'mulaw'

/** The samples of a WAV file and how they are written. */
export interface WavLayout {
  encoding: Encoding
  channels: number
  sampleRateHz: number
  /** Bytes of one sample of every channel. */
  frameBytes: number
  /** Offset of the first sample. */
  dataOffset: number
  /** Whole frames that are there. */
  frames: number
}

const bytesPerSample: Record<Encoding, number> = {
  u8: 1,
  s16: 2,
  s24: 3,
  s32: 4,
  f32: 4,
  f64: 8,
  alaw: 1,
  mulaw: 1,
}

const codecNames: Record<Encoding, string> = {
  u8: 'pcm_u8',
  s16: 'pcm_s16le',
  s24: 'pcm_s24le',
  s32: 'pcm_s32le',
  f32: 'pcm_f32le',
  f64: 'pcm_f64le',
  alaw: 'pcm_alaw',
  mulaw: 'pcm_mulaw',
}

/** Format tags of mmreg.h that are met in the wild and not decoded here. */
const otherFormats: Record<number, string> = {
  2: 'Microsoft ADPCM',
  17: 'IMA ADPCM',
  49: 'GSM 6.10',
  80: 'MPEG layer 2',
  85: 'MP3',
  353: 'Windows Media Audio',
}

const FORMAT_PCM = 1
const FORMAT_FLOAT = 3
const FORMAT_ALAW = 6
const FORMAT_MULAW = 7
const FORMAT_EXTENSIBLE = 0xfffe
const MAX_CHANNELS = 64
/** Frames converted at a time. */
const BLOCK_FRAMES = 16_384

/**
 * Finds the samples of a WAV file.
 * @throws ApiError `audio_unreadable` when there is no format or no data, `audio_format_unsupported` for other codecs
 */
export function parseWav(bytes: Uint8Array): WavLayout {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let format: Omit<WavLayout, 'dataOffset' | 'frames'> | null = null
  let at = 12
  while (at + 8 <= bytes.length) {
    const id = readTag(bytes, at)
    const size = view.getUint32(at + 4, true)
    const body = at + 8
    if (id === 'fmt ') format = parseFormat(view, body, Math.min(size, bytes.length - body))
    if (id === 'data') {
      if (!format) throw unreadable('its data comes before its format')
      // Writers that stream leave the size 0 or all ones; RF64 keeps the true one in another chunk.
      const there = bytes.length - body
      const dataBytes = size === 0 || size > there ? there : size
      return { ...format, dataOffset: body, frames: Math.floor(dataBytes / format.frameBytes) }
    }
    // Chunks are padded to even lengths.
    at = body + size + (size & 1)
  }
  throw unreadable(format ? 'it holds no data chunk' : 'it holds no format chunk')
}

function parseFormat(view: DataView, at: number, size: number): Omit<WavLayout, 'dataOffset' | 'frames'> {
  if (size < 16) throw unreadable('its format chunk is cut off')
  let tag = view.getUint16(at, true)
  const channels = view.getUint16(at + 2, true)
  const sampleRateHz = view.getUint32(at + 4, true)
  const blockAlign = view.getUint16(at + 12, true)
  const bits = view.getUint16(at + 14, true)
  // The first two bytes of the sub-format's GUID are the tag that the extension stands for.
  if (tag === FORMAT_EXTENSIBLE && size >= 26) tag = view.getUint16(at + 24, true)
  if (channels < 1 || channels > MAX_CHANNELS) throw unreadable(`its header claims ${channels} channels`)
  checkSampleRate(sampleRateHz)

  // Samples fill the high bits of their container, so 20 bits in 3 bytes are read as 24.
  const declared = Math.ceil(bits / 8)
  const container = Math.floor(blockAlign / channels)
  const sampleBytes =
    container >= declared && container <= 8 && blockAlign % channels === 0 ? container : declared
  const encoding = encodingOf(tag, sampleBytes)
  if (!encoding) {
    const name = otherFormats[tag] ?? `format ${tag} of ${bits} bits`
    throw new ApiError('audio_format_unsupported', {
      message: `The WAV file holds ${name}. Send PCM, float, A-law or mu-law, or MP3, FLAC, Ogg, WebM or M4A.`,
    })
  }
  return { encoding, channels, sampleRateHz, frameBytes: channels * bytesPerSample[encoding] }
}

function encodingOf(tag: number, sampleBytes: number): Encoding | null {
  if (tag === FORMAT_PCM) return (['u8', 's16', 's24', 's32'] as const)[sampleBytes - 1] ?? null
  if (tag === FORMAT_FLOAT) return sampleBytes === 4 ? 'f32' : sampleBytes === 8 ? 'f64' : null
  if (tag === FORMAT_ALAW && sampleBytes === 1) return 'alaw'
  if (tag === FORMAT_MULAW && sampleBytes === 1) return 'mulaw'
  return null
}

/**
 * Decodes a WAV file into `collector`.
 * @throws ApiError `audio_unreadable`, `audio_format_unsupported`, `audio_too_long`
 */
export function decodeWav(bytes: Uint8Array, collector: PcmCollector): void {
  const { encoding, channels, sampleRateHz, frameBytes, dataOffset, frames } = parseWav(bytes)
  collector.source = { container: 'wav', codec: codecNames[encoding], sampleRateHz, channels }
  const seconds = frames / sampleRateHz
  if (seconds > collector.maxSeconds) throw tooLong(seconds, collector.maxSeconds)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let from = 0; from < frames; from += BLOCK_FRAMES) {
    const mono = new Float32Array(Math.min(BLOCK_FRAMES, frames - from))
    const offset = dataOffset + from * frameBytes
    for (let channel = 0; channel < channels; channel++)
      addChannel(mono, view, offset + channel * bytesPerSample[encoding], frameBytes, encoding, 1 / channels)
    collector.write(mono, sampleRateHz)
  }
}

/** mono[i] += gain * the sample at `at + i * stride`. */
function addChannel(
  mono: Float32Array,
  view: DataView,
  at: number,
  stride: number,
  encoding: Encoding,
  gain: number,
): void {
  const n = mono.length
  switch (encoding) {
    case 'u8':
      for (let i = 0; i < n; i++, at += stride) mono[i]! += (view.getUint8(at) - 128) * (gain / 128)
      return
    case 's16':
      for (let i = 0; i < n; i++, at += stride) mono[i]! += view.getInt16(at, true) * (gain / 32_768)
      return
    case 's24':
      for (let i = 0; i < n; i++, at += stride) {
        const value = view.getUint16(at, true) | (view.getInt8(at + 2) << 16)
        mono[i]! += value * (gain / 8_388_608)
      }
      return
    case 's32':
      for (let i = 0; i < n; i++, at += stride) mono[i]! += view.getInt32(at, true) * (gain / 2_147_483_648)
      return
    case 'f32':
      for (let i = 0; i < n; i++, at += stride) mono[i]! += view.getFloat32(at, true) * gain
      return
    case 'f64':
      for (let i = 0; i < n; i++, at += stride) mono[i]! += view.getFloat64(at, true) * gain
      return
    case 'alaw':
      for (let i = 0; i < n; i++, at += stride) mono[i]! += aLaw[view.getUint8(at)]! * gain
      return
    case 'mulaw':
      for (let i = 0; i < n; i++, at += stride) mono[i]! += muLaw[view.getUint8(at)]! * gain
      return
  }
}

/** A-law byte to sample, [256] f32 in (-1, 1) (ITU-T G.711): even bits are inverted, 3 bits exponent, 4 mantissa. */
const aLaw = Float32Array.from({ length: 256 }, (_, byte) => {
  const code = byte ^ 0x55
  const exponent = (code >> 4) & 7
  const mantissa = (code & 15) * 16 + 8
  const magnitude = exponent === 0 ? mantissa : (mantissa + 256) << (exponent - 1)
  return (code & 0x80 ? magnitude : -magnitude) / 32_768
})

/** Mu-law byte to sample, [256] f32 in (-1, 1) (ITU-T G.711): all bits are inverted, bias 132. */
const muLaw = Float32Array.from({ length: 256 }, (_, byte) => {
  const code = ~byte & 0xff
  const magnitude = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132
  return (code & 0x80 ? -magnitude : magnitude) / 32_768
})

function readTag(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!)
}

function unreadable(why: string): ApiError {
  return new ApiError('audio_unreadable', {
    message: `The audio looks like a WAV file, but ${why}. Check that the file plays.`,
  })
}
