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
 * Takes PCM of any kind and gives 16 kHz mono on, piece by piece; whatever a file's headers claim, what counts is what
 * was really decoded.
 */
export class PcmCollector {
  readonly maxSeconds: number
  /** Set by the decoder as soon as it knows. */
  source: SourceFormat | null = null
  /** Packets or frames that were there and gave nothing; counted by the decoders. */
  brokenPackets = 0
  readonly #emit: (piece: Float32Array) => void
  #resampler: Resampler | null = null
  #receivedSeconds = 0

  /** @param emit takes each piece, [n] f32 in [-1, 1], n > 0; the piece is its own */
  constructor(maxSeconds: number, emit: (piece: Float32Array) => void) {
    this.maxSeconds = maxSeconds
    this.#emit = emit
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
      this.finish()
      this.#resampler = new Resampler(sampleRateHz)
    }
    this.#receivedSeconds += mono.length / sampleRateHz
    if (this.#receivedSeconds > this.maxSeconds) throw tooLong(null, this.maxSeconds)
    for (let i = 0; i < mono.length; i++) if (!Number.isFinite(mono[i])) mono[i] = 0
    this.#give(this.#resampler!.push(mono))
  }

  /** As `write`, for planar channels of equal length, [channels][n] f32: their mean is taken. */
  writeChannels(channels: readonly Float32Array[], sampleRateHz: number): void {
    const [first] = channels
    if (first) this.write(channels.length === 1 ? first : mixDown(channels), sampleRateHz)
  }

  /** Gives on what the resampler still holds. */
  finish(): void {
    if (this.#resampler) this.#give(this.#resampler.flush())
    this.#resampler = null
  }

  #give(piece: Float32Array): void {
    if (piece.length === 0) return
    // Lossy decoders and resampling overshoot full scale a little.
    for (let i = 0; i < piece.length; i++) {
      if (piece[i]! > 1) piece[i] = 1
      else if (piece[i]! < -1) piece[i] = -1
    }
    this.#emit(piece)
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
