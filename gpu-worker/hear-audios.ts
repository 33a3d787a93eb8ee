/** From the audio of a request to what enters a prompt, and what is said of it in the usage. */
import type { AudioCoverage } from '../src/protocol/chat-completions.ts'
import { ApiError } from '../src/protocol/errors.ts'
import type { Limits } from '../src/protocol/limits.ts'
import { decodeAudio } from './audio/decode.ts'
import type { AudioSources } from './audio-sources.ts'
import { throwIfCancelled } from './cancellation.ts'
import { type AudioReference, type ReceivedAudio, receiveAudio } from './conversation.ts'
import type { EncodeFor } from './encode/encode-queue.ts'
import type { EncoderCache, Hearing } from './encode/encoder-cache.ts'
import type { EncodedAudio } from './model/chat-model.ts'
import type { RequestTrace } from './observability/request-trace.ts'

/** What of the worker is needed to hear a request's audio. */
export interface HearingContext {
  encoderCache: EncoderCache
  audioSources: AudioSources
  limits: Limits
  trace: RequestTrace
  signal: AbortSignal
}

/** So much audio as so many of the largest files may be received for one request: it is all in memory at once. */
const MAX_RECEIVED_FILES = 2

/** All are received before the first is encoded: what is wrong with one of them costs nothing. */
export async function encodeAudios(
  audios: readonly AudioReference[],
  model: Hearing,
  checkpoint: string,
  who: EncodeFor,
  { encoderCache, limits, audioSources, trace, signal }: HearingContext,
): Promise<EncodedAudio[]> {
  const context = { sources: audioSources, tenant: who.tenant, signal }
  const received: ReceivedAudio[] = []
  let remaining = MAX_RECEIVED_FILES * limits.maxAudioBytes
  for (const audio of audios) {
    try {
      received.push(
        await receiveAudio(audio, { ...context, maxBytes: Math.min(limits.maxAudioBytes, remaining) }),
      )
    } catch (error) {
      throwIfCancelled(signal)
      throw error
    }
    const last = received.at(-1)!
    if (last.kind === 'file') remaining -= last.bytes.byteLength
  }
  const bounds = { maxSeconds: limits.maxAudioSeconds, maxBytes: limits.maxAudioBytes }
  const encoded: EncodedAudio[] = []
  for (const [index, audio] of received.entries()) {
    const decode =
      audio.kind === 'id'
        ? null
        : (stop: AbortSignal) => trace.measure('audio_decode', () => decodeAudio(audio.bytes, bounds, stop))
    try {
      const encode = () => encoderCache.encode({ id: audio.id, decode }, model, checkpoint, who)
      encoded.push(await trace.measure('audio_encode', encode))
    } catch (error) {
      throwIfCancelled(who.signal)
      throw ofPart(error, audios[index]!.path)
    }
  }
  return encoded
}

/** Which seconds of the audio the model was given; windows that touch are one range. */
export function coverageOf(index: number, encoded: EncodedAudio): AudioCoverage {
  const ranges: AudioCoverage['ranges'] = []
  for (const { startSeconds, endSeconds } of encoded.windows) {
    const last = ranges.at(-1)
    if (last && last.end === startSeconds) last.end = endSeconds
    else ranges.push({ start: startSeconds, end: endSeconds })
  }
  return {
    index,
    audio_id: encoded.id,
    seconds_received: roundMilliseconds(encoded.durationSeconds),
    seconds_encoded: roundMilliseconds(ranges.reduce((sum, { start, end }) => sum + end - start, 0)),
    ranges: ranges.map(({ start, end }) => ({
      start: roundMilliseconds(start),
      end: roundMilliseconds(end),
    })),
  }
}

/** What is wrong with an audio, said with the part that it came in. */
function ofPart(error: unknown, path: string): unknown {
  if (!(error instanceof ApiError) || error.type !== 'invalid_request_error') return error
  return new ApiError(error.code, { message: `${path}: ${error.message}`, param: path, cause: error })
}

/** Seconds to three places. */
export function roundMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}
