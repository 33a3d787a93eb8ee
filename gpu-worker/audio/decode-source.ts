/** From the bytes of a file to PCM: which codec reads which container. Runs in a decode thread. */
import { ApiError } from '../../src/protocol/errors.ts'
import { decodeAac } from './codecs/aac.ts'
import { decodeFlac, decodeOggFlac } from './codecs/flac.ts'
import { decodeMp3 } from './codecs/mp3.ts'
import { decodeOpus, OPUS_RATE_HZ, type OpusPacket, opusPacketSamples, parseOpusHead } from './codecs/opus.ts'
import { decodeVorbis, parseVorbisHeaders, splitVorbisPrivate } from './codecs/vorbis.ts'
import { matroskaAudioTrack, matroskaPackets } from './containers/matroska.ts'
import { type OggLink, type OggPacket, oggLinks, oggPackets } from './containers/ogg.ts'
import type { Container } from './detect-format.ts'
import type { PcmCollector } from './pcm-collector.ts'
import { decodeWav } from './wav.ts'

/** Parts of a chained Ogg file: each takes a decoder of its own. */
const MAX_OGG_LINKS = 256

/**
 * Decodes a whole file into `collector`.
 * @throws ApiError for what the caller can mend; anything else means that a decoder gave up on broken data
 */
export async function decodeSource(
  bytes: Uint8Array,
  container: Container,
  collector: PcmCollector,
): Promise<void> {
  switch (container) {
    case 'wav':
      return decodeWav(bytes, collector)
    case 'mp3':
      return decodeMp3(bytes, collector)
    case 'flac':
      return decodeFlac(bytes, collector)
    case 'ogg':
      return decodeOgg(bytes, collector)
    case 'matroska':
      return decodeMatroska(bytes, collector)
    case 'mp4':
    case 'adts':
    case 'latm':
      return decodeAac(bytes, container, collector)
  }
}

async function decodeOgg(bytes: Uint8Array, collector: PcmCollector): Promise<void> {
  let links = 0
  for (const link of oggLinks(bytes)) {
    if (++links > MAX_OGG_LINKS) throw unsupported('Ogg', `more than ${MAX_OGG_LINKS} parts`)
    await decodeOggLink(link, collector)
  }
}

async function decodeOggLink({ bytes, streams }: OggLink, collector: PcmCollector): Promise<void> {
  for (const [serial, first] of streams) {
    const packets = () => oggPackets(bytes, serial)
    const container = 'ogg'
    if (startsWith(first, 'OpusHead')) {
      const head = parseOpusHead(first)
      collector.source ??= { container, codec: 'opus', sampleRateHz: OPUS_RATE_HZ, channels: head.channels }
      return decodeOpus(head, () => oggOpusPackets(packets, head.preSkip), collector)
    }
    if (startsWith(first, '\x01vorbis')) {
      const headers = parseVorbisHeaders(dataOf(packets()))
      const { channels, sampleRateHz } = headers
      collector.source ??= { container, codec: 'vorbis', sampleRateHz, channels }
      return decodeVorbis(headers, dataOf(packets()), lastGranulePosition(packets()), collector)
    }
    if (startsWith(first, '\x7fFLAC')) return decodeOggFlac(dataOf(packets()), first, collector)
  }
  const [first] = streams.values()
  if (!first) throw unreadable('Ogg', 'no stream begins in it')
  const name = startsWith(first, 'Speex')
    ? 'Speex'
    : startsWith(first, '\x80theora')
      ? 'video alone'
      : 'no known audio'
  throw unsupported('Ogg', name)
}

/** Audio packets with what the last page's position says of the end: a position counts the pre-skip, too. */
function* oggOpusPackets(packets: () => Iterable<OggPacket>, preSkip: number): Generator<OpusPacket> {
  const end = opusEnd(packets(), preSkip)
  let position = 0
  let index = 0
  for (const { data } of packets()) {
    // OpusHead and OpusTags come first.
    if (index++ < 2) continue
    const samples = opusPacketSamples(data)
    position += samples
    yield { data, discard: Math.min(samples, Math.max(0, position - end)) }
  }
}

/** Samples at 48 kHz, from the first packet on, after which only padding follows; infinite where nothing tells. */
function opusEnd(packets: Iterable<OggPacket>, preSkip: number): number {
  let position = 0
  let origin: number | null = null
  let end = Number.POSITIVE_INFINITY
  let index = 0
  for (const { data, granulePosition, endOfStream } of packets) {
    if (index++ < 2) continue
    position += opusPacketSamples(data)
    if (granulePosition === null) continue
    // A recording that was cut out of a stream doesn't start at 0; one that is a single page has to.
    origin ??= endOfStream ? 0 : Math.max(0, granulePosition - position)
    if (endOfStream) end = granulePosition - origin
  }
  return end > preSkip ? end : Number.POSITIVE_INFINITY
}

async function decodeMatroska(bytes: Uint8Array, collector: PcmCollector): Promise<void> {
  const track = matroskaAudioTrack(bytes)
  if (!track) throw unsupported('WebM or Matroska', 'no audio track')
  if (track.encrypted) throw unsupported('WebM or Matroska', 'encrypted or compressed packets')
  const packets = () => matroskaPackets(bytes, track)
  const container = 'matroska'
  if (track.codecId === 'A_OPUS') {
    const head = parseOpusHead(track.codecPrivate)
    collector.source = { container, codec: 'opus', sampleRateHz: OPUS_RATE_HZ, channels: head.channels }
    return decodeOpus(head, () => matroskaOpusPackets(packets()), collector)
  }
  if (track.codecId === 'A_VORBIS') {
    const headers = parseVorbisHeaders(splitVorbisPrivate(track.codecPrivate))
    const { channels, sampleRateHz } = headers
    collector.source = { container, codec: 'vorbis', sampleRateHz, channels }
    return decodeVorbis(headers, dataOf(packets()), null, collector)
  }
  throw unsupported('WebM or Matroska', `audio as ${track.codecId.replace(/[^\w/.-]/g, '?')}`)
}

function* matroskaOpusPackets(
  packets: Iterable<{ data: Uint8Array; discardPaddingNs: number }>,
): Generator<OpusPacket> {
  for (const { data, discardPaddingNs } of packets) {
    const padding = Math.round((discardPaddingNs * OPUS_RATE_HZ) / 1e9)
    yield { data, discard: Math.min(opusPacketSamples(data), Math.max(0, padding)) }
  }
}

function* dataOf(packets: Iterable<{ data: Uint8Array }>): Generator<Uint8Array> {
  for (const { data } of packets) yield data
}

function lastGranulePosition(packets: Iterable<OggPacket>): number | null {
  let last: number | null = null
  for (const { granulePosition, endOfStream } of packets) if (endOfStream) last = granulePosition ?? last
  return last
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false
  return true
}

function unsupported(container: string, holds: string): ApiError {
  return new ApiError('audio_format_unsupported', {
    message: `The ${container} file holds ${holds}. Send Opus, Vorbis, WAV, MP3, FLAC or AAC.`,
  })
}

function unreadable(container: string, why: string): ApiError {
  return new ApiError('audio_unreadable', {
    message: `The audio looks like ${container}, but ${why}. Check that the file plays.`,
  })
}
