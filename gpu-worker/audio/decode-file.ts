/** A whole file to 16 kHz mono, and every way in which that fails as an ApiError. */
import { ApiError } from '../../src/protocol/errors.ts'
import { concatSamples } from './concat-samples.ts'
import { decodeSource } from './decode-source.ts'
import type { Container } from './detect-format.ts'
import { PcmCollector, type SourceFormat } from './pcm-collector.ts'

/** What to decode. */
export interface DecodeJob {
  bytes: Uint8Array
  container: Container
  maxSeconds: number
}

/** What came out: samples [n] f32 at 16 kHz in [-1, 1], n > 0. */
export interface DecodedFile {
  samples: Float32Array
  source: SourceFormat
}

/**
 * Decodes in this thread. A file whose middle is broken gives what came before.
 * @throws ApiError `audio_empty`, `audio_unreadable`, `audio_too_long`, `audio_format_unsupported`
 */
export async function decodeFile(job: DecodeJob): Promise<DecodedFile> {
  const pieces: Float32Array[] = []
  const source = await decodePieces(job, piece => pieces.push(piece))
  return { samples: concatSamples(pieces), source }
}

/**
 * As `decodeFile`, but gives the samples on as they are decoded: some hundredths of a second to some seconds at a time.
 * @param emit may block, and throw to end the work
 * @throws ApiError as decodeFile, `audio_too_long` perhaps after many pieces
 */
export async function decodePieces(
  { bytes, container, maxSeconds }: DecodeJob,
  emit: (piece: Float32Array) => void,
): Promise<SourceFormat> {
  let isEmpty = true
  const collector = new PcmCollector(maxSeconds, piece => {
    isEmpty = false
    emit(piece)
  })
  let failure: unknown
  try {
    await decodeSource(bytes, container, collector)
  } catch (error) {
    if (error instanceof ApiError) throw error
    failure = error
  }
  collector.finish()
  const { source } = collector
  if (!isEmpty && source) return source
  if (failure === undefined && collector.brokenPackets === 0)
    throw new ApiError('audio_empty', {
      message: `The audio is ${containerNames[container]} without a single sample.`,
    })
  throw new ApiError('audio_unreadable', {
    message: `The audio looks like ${containerNames[container]}, but it cannot be decoded. Check that the file plays.`,
    cause: failure,
  })
}

/** Names for people. */
export const containerNames: Record<Container, string> = {
  wav: 'a WAV file',
  mp3: 'an MP3 file',
  flac: 'a FLAC file',
  ogg: 'an Ogg file',
  matroska: 'a WebM file',
  mp4: 'an MP4 file',
  adts: 'an AAC file',
  latm: 'an AAC file (LATM)',
}
