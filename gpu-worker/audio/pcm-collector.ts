/** Where decoded audio arrives, piece by piece: mixed to mono, brought to 16 kHz, and stopped when it is too long. */
import { ApiError } from '../../src/protocol/errors.ts'
import { SAMPLE_RATE_HZ } from './constants.ts'
import { MAX_SOURCE_RATE_HZ, MIN_SOURCE_RATE_HZ, Resampler } from './resample.ts'

/** What a file turned out to be. */
export interface SourceFormat {
  /** As in `wav`, `ogg`, `mp4`. */
  container: string
  /** As in `pcm_s16le`, `opus`, `aac`. */
  codec: string
  sampleRateHz: number
  channels: number
}

/**
 * Collects 16 kHz mono. Memory grows with what was really decoded, up to `maxSeconds` of output (64 kB a second),
 * whatever a file's headers claim.
 */
export class PcmCollector {
  readonly maxSeconds: number
  /** Set by the decoder as soon as it knows. */
  source: SourceFormat | null = null
  /** Packets or frames that were there and gave nothing; counted by the decoders. */
  brokenPackets = 0
  #resampler: Resampler | null = null
  #pieces: Float32Array[] = []
  #samples = 0
  #receivedSeconds = 0

  constructor(maxSeconds: number) {
    this.maxSeconds = maxSeconds
  }

  /** Seconds taken so far, before resampling. */
  get receivedSeconds(): number {
    return this.#receivedSeconds
  }

  /**
   * Takes the next piece.
   * @param mono [n] f32; not kept, values that are no numbers are taken for silence
   * @throws ApiError `audio_too_long` once more than `maxSeconds` came, `audio_format_unsupported` for rates that no
   * recorder writes
   */
  write(mono: Float32Array, sampleRateHz: number): void {
    if (mono.length === 0) return
    if (this.#resampler?.sourceRateHz !== sampleRateHz) {
      checkSampleRate(sampleRateHz)
      this.#flushResampler()
      this.#resampler = new Resampler(sampleRateHz)
    }
    this.#receivedSeconds += mono.length / sampleRateHz
    if (this.#receivedSeconds > this.maxSeconds) throw tooLong(null, this.maxSeconds)
    for (let i = 0; i < mono.length; i++) if (!Number.isFinite(mono[i])) mono[i] = 0
    this.#keep(this.#resampler!.push(mono))
  }

  /** As `write`, for planar channels of equal length, [channels][n] f32: their mean is taken. */
  writeChannels(channels: readonly Float32Array[], sampleRateHz: number): void {
    const [first] = channels
    if (first) this.write(channels.length === 1 ? first : mixDown(channels), sampleRateHz)
  }

  /** All samples, [n] f32 at 16 kHz in [-1, 1]. The collector is empty after it. */
  finish(): Float32Array {
    this.#flushResampler()
    const samples = new Float32Array(this.#samples)
    let at = 0
    for (const piece of this.#pieces) {
      samples.set(piece, at)
      at += piece.length
    }
    this.#pieces = []
    this.#samples = 0
    // Lossy decoders and resampling overshoot full scale a little.
    for (let i = 0; i < samples.length; i++) {
      if (samples[i]! > 1) samples[i] = 1
      else if (samples[i]! < -1) samples[i] = -1
    }
    return samples
  }

  #flushResampler(): void {
    if (this.#resampler) this.#keep(this.#resampler.flush())
    this.#resampler = null
  }

  #keep(piece: Float32Array): void {
    if (piece.length === 0) return
    this.#pieces.push(piece)
    this.#samples += piece.length
  }
}

/** The mean of planar channels, [n] f32. */
function mixDown(channels: readonly Float32Array[]): Float32Array {
  const mono = new Float32Array(channels[0]!.length)
  const scale = 1 / channels.length
  for (const channel of channels) for (let i = 0; i < mono.length; i++) mono[i]! += channel[i]! * scale
  return mono
}

/** @throws ApiError `audio_format_unsupported` for rates outside 1 to 384 kHz */
export function checkSampleRate(sampleRateHz: number): void {
  if (sampleRateHz >= MIN_SOURCE_RATE_HZ && sampleRateHz <= MAX_SOURCE_RATE_HZ) return
  throw new ApiError('audio_format_unsupported', {
    message: `The audio claims a sample rate of ${sampleRateHz} Hz. Send audio of 1 to 384 kHz; the models hear ${SAMPLE_RATE_HZ / 1000} kHz.`,
  })
}

/** The error for too long audio. `receivedSeconds` is null where decoding was cut off before its end was known. */
export function tooLong(receivedSeconds: number | null, maxSeconds: number): ApiError {
  const received =
    receivedSeconds === null
      ? `is longer than ${maxSeconds} seconds`
      : `is ${receivedSeconds.toFixed(1)} seconds long`
  return new ApiError('audio_too_long', {
    message: `The audio ${received}; at most ${maxSeconds} seconds are taken. Cut it into shorter recordings.`,
  })
}
