/** MP3 (MPEG-1, 2 and 2.5 audio), through libmpg123 in WebAssembly. */
import { MPEGDecoder } from 'mpg123-decoder'
import { type PcmCollector, tooLong } from '../pcm-collector.ts'
import { findMpegFrames, mpegSeconds, parseMpegFrame } from './mpeg-header.ts'

/** Bytes decoded at a time: at the lowest bitrate 2,700 frames of 576 samples, 12 MB. */
const PIECE_BYTES = 65_536
/** What encoders add before and behind the audio, and decoders take away: at most a few frames. */
const PADDING_SECONDS = 0.5

/**
 * Decodes MP3 into `collector`. The length is counted first, from the frames' headers, so that a file that is too long
 * is turned away before any of it is decoded. Encoder delay and padding are cut where a LAME tag tells them; broken frames are
 * skipped.
 * @throws ApiError `audio_too_long`
 */
export async function decodeMp3(bytes: Uint8Array, collector: PcmCollector): Promise<void> {
  const first = Math.max(0, findMpegFrames(bytes, 0, bytes.length, 2))
  const header = parseMpegFrame(bytes, first)
  const seconds = mpegSeconds(bytes, first)
  if (seconds > collector.maxSeconds + PADDING_SECONDS) throw tooLong(seconds, collector.maxSeconds)
  const decoder = new MPEGDecoder()
  await decoder.ready
  for (let at = first; at < bytes.length; at += PIECE_BYTES) {
    const decoded = decoder.decode(bytes.subarray(at, at + PIECE_BYTES))
    if (decoded.samplesDecoded === 0) {
      collector.brokenPackets++
      continue
    }
    collector.source ??= {
      container: 'mp3',
      codec: `mp${header?.layer ?? 3}`,
      sampleRateHz: decoded.sampleRate,
      channels: header?.channels ?? 2,
    }
    // Mono comes as two equal channels.
    collector.writeChannels(decoded.channelData, decoded.sampleRate)
  }
  decoder.free()
}
