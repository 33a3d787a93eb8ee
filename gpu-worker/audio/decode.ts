/**
 * From the bytes of an audio file to what the models hear: 16 kHz mono.
 *
 * 1. `detect-format.ts` tells what the bytes are;  2. `decode-pool.ts` hands them to a thread;  3. there
 * `decode-source.ts` picks the codec, and  4. `pcm-collector.ts` mixes, resamples and counts what comes out of it.
 */
import { availableParallelism } from 'node:os'
import { ApiError } from '../../src/protocol/errors.ts'
import { SAMPLE_RATE_HZ } from './constants.ts'
import { type DecodedFile, type DecodeJob, decodeFile } from './decode-file.ts'
import { DecodePool } from './decode-pool.ts'
import { detectFormat } from './detect-format.ts'
import type { SourceFormat } from './pcm-collector.ts'
import { parseWav } from './wav.ts'

/** Audio as the models hear it. */
export interface DecodedAudio {
  /** Mono, 16 kHz, [samples] f32 in [-1, 1]; never empty. */
  samples: Float32Array
  durationSeconds: number
  source: SourceFormat
}

/** Limits of one file. They hold while decoding, whatever the headers claim. */
export interface DecodeLimits {
  maxSeconds: number
  maxBytes: number
}

/** WAV at 16 kHz up to this size takes a few milliseconds, less than handing it to a thread and back. */
const MAX_INLINE_BYTES = 1_048_576

/** Files decoded piece by piece at the same time; more wait. */
const MAX_STREAMS = 8

const pool = new DecodePool({ maxThreads: Math.min(4, availableParallelism()) })
/** Threads of long recordings sleep most of the time, and must not be in the way of short ones. */
const streamPool = new DecodePool({ maxThreads: MAX_STREAMS })

/**
 * Decodes WAV, MP3, FLAC, Ogg (Opus, Vorbis, FLAC), WebM and Matroska (Opus, Vorbis), and AAC (MP4, ADTS, LATM), told
 * apart by content. Files that are cut off give what they hold.
 * @param signal ends the work at once
 * @throws ApiError `audio_empty`, `audio_unreadable`, `audio_too_long`, `audio_format_unsupported`,
 * `payload_too_large`; the signal's reason when it is aborted
 * @example const { samples } = await decodeAudio(bytes, { maxSeconds: 600, maxBytes: 26_214_400 })
 */
export async function decodeAudio(
  bytes: Uint8Array,
  limits: DecodeLimits,
  signal?: AbortSignal,
): Promise<DecodedAudio> {
  signal?.throwIfAborted()
  const { samples, source } = await decode(bytes, limits, signal)
  return { samples, durationSeconds: samples.length / SAMPLE_RATE_HZ, source }
}

/**
 * As `decodeAudio`, in pieces as they are decoded and no faster than they are taken: hours in bounded memory.
 * Leaving off early ends the work.
 * @returns pieces of 16 kHz mono in [-1, 1], [n] f32, n > 0
 * @throws ApiError as decodeAudio; what the headers don't tell only after some pieces
 * @example for await (const samples of decodeAudioPieces(bytes, limits, signal)) count += samples.length
 */
export async function* decodeAudioPieces(
  bytes: Uint8Array,
  limits: DecodeLimits,
  signal: AbortSignal,
): AsyncGenerator<Float32Array> {
  signal.throwIfAborted()
  const job = jobOf(bytes, limits)
  if (isQuick(job)) yield (await decodeFile(job)).samples
  else yield* streamPool.stream(job, signal)
}

/** Starts a decoding thread ahead of the first file. */
export function warmDecoder(): void {
  pool.warm()
}

/** Ends the decoding threads that are idle; for tests and for shutting down. */
export async function closeDecoder(): Promise<void> {
  await Promise.all([pool.close(), streamPool.close()])
}

async function decode(bytes: Uint8Array, limits: DecodeLimits, signal?: AbortSignal): Promise<DecodedFile> {
  const job = jobOf(bytes, limits)
  return isQuick(job) ? decodeFile(job) : pool.run(job, signal)
}

/** What the bytes are, if it is something that is decoded. @throws ApiError */
function jobOf(bytes: Uint8Array, limits: DecodeLimits): DecodeJob {
  if (bytes.length === 0)
    throw new ApiError('audio_empty', { message: 'The audio is empty: it has no bytes.' })
  if (bytes.length > limits.maxBytes)
    throw new ApiError('payload_too_large', {
      message: `The audio has ${bytes.length} bytes; at most ${limits.maxBytes} are taken. Compress it (Opus, MP3) or cut it.`,
    })
  const detection = detectFormat(bytes)
  switch (detection.kind) {
    case 'not-audio':
      throw new ApiError('audio_unreadable', {
        message: `The audio cannot be read: it looks like ${detection.looksLike}. Send a WAV, MP3, FLAC, Ogg, WebM or M4A file.`,
      })
    case 'unsupported':
      throw new ApiError('audio_format_unsupported', {
        message: `The audio is ${detection.name}, which is not decoded. Convert it to WAV, MP3, FLAC, Ogg, WebM or M4A.`,
      })
    case 'container': {
      const { container, offset } = detection
      return { bytes: bytes.subarray(offset), container, maxSeconds: limits.maxSeconds }
    }
  }
}

function isQuick({ bytes, container }: DecodeJob): boolean {
  return (
    container === 'wav' && bytes.length <= MAX_INLINE_BYTES && parseWav(bytes).sampleRateHz === SAMPLE_RATE_HZ
  )
}
