/** Vorbis (Xiph's Vorbis I specification) in Ogg and in WebM, through libvorbis in WebAssembly. */
import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis'
import { ApiError } from '../../../src/protocol/errors.ts'
import { checkSampleRate, type PcmCollector } from '../pcm-collector.ts'

/** The two of Vorbis' three header packets that matter; the third holds comments. */
export interface VorbisHeaders {
  identification: Uint8Array
  setup: Uint8Array
  channels: number
  sampleRateHz: number
}

const IDENTIFICATION = 1
const SETUP = 5
const MAX_CHANNELS = 8
/** Packets decoded at a time: at most 8,192 samples of each channel come out of one. */
const BATCH_PACKETS = 16

/**
 * Finds the headers among a stream's first packets.
 * @throws ApiError `audio_unreadable` when one is missing or broken, `audio_format_unsupported` for over 8 channels
 */
export function parseVorbisHeaders(packets: Iterable<Uint8Array>): VorbisHeaders {
  let identification: Uint8Array | null = null
  let setup: Uint8Array | null = null
  let count = 0
  for (const packet of packets) {
    if (isHeader(packet, IDENTIFICATION)) identification = packet
    if (isHeader(packet, SETUP)) setup = packet
    if (++count === 3) break
  }
  if (!identification || identification.length < 30 || !setup) throw unreadable('its headers are missing')
  const view = new DataView(identification.buffer, identification.byteOffset, identification.byteLength)
  const channels = identification[11]!
  const sampleRateHz = view.getUint32(12, true)
  checkSampleRate(sampleRateHz)
  if (channels === 0) throw unreadable('its header claims no channels')
  if (channels > MAX_CHANNELS)
    throw new ApiError('audio_format_unsupported', {
      message: `The Vorbis audio has ${channels} channels. Mix it down to stereo or mono.`,
    })
  return { identification, setup, channels, sampleRateHz }
}

/**
 * Decodes packets into `collector`; header packets among them are passed over.
 * @param totalSamples where the stream ends, when the container says so; what is decoded past it is padding
 * @throws ApiError `audio_too_long`
 */
export async function decodeVorbis(
  headers: VorbisHeaders,
  packets: Iterable<Uint8Array>,
  totalSamples: number | null,
  collector: PcmCollector,
): Promise<void> {
  const decoder = new OggVorbisDecoder()
  await decoder.ready
  let room = totalSamples ?? Number.POSITIVE_INFINITY
  let isFirst = true
  const decode = async (batch: Uint8Array[]) => {
    // The wrapper takes pages as its own Ogg parser makes them; these are the parts of a page that it reads.
    const page = {
      data: isFirst ? headers.identification : new Uint8Array(1),
      codecFrames: batch.map(data => ({ data, header: { vorbisSetup: headers.setup } })),
      isLastPage: false,
      totalSamples: 0,
    }
    isFirst = false
    const { channelData, samplesDecoded } = await decoder.decodeOggPages([page as never])
    // The first packet alone gives nothing: its half waits for the next one's.
    if (samplesDecoded === 0 && batch.length > 1) collector.brokenPackets += batch.length
    const kept = Math.min(samplesDecoded, room)
    room -= kept
    const channels = channelData.map(channel => channel.subarray(0, kept))
    collector.writeChannels(channels, headers.sampleRateHz)
  }
  let batch: Uint8Array[] = []
  for (const packet of packets) {
    // The lowest bit of the first byte tells headers from audio.
    if (packet.length === 0 || packet[0]! & 1) continue
    batch.push(packet)
    if (batch.length < BATCH_PACKETS) continue
    await decode(batch)
    batch = []
  }
  if (batch.length > 0) await decode(batch)
  decoder.free()
}

/** Splits WebM's codec private data: a count, two lengths in bytes of 255 and a rest, then the three headers. */
export function splitVorbisPrivate(data: Uint8Array): Uint8Array[] {
  let at = 1
  const lengths: number[] = []
  for (let i = 0; i < 2; i++) {
    let length = 0
    while (data[at] === 255) length += data[at++]!
    lengths.push(length + (data[at++] ?? 0))
  }
  const [first, second] = [lengths[0]!, lengths[1]!]
  return [
    data.subarray(at, at + first),
    data.subarray(at + first, at + first + second),
    data.subarray(at + first + second),
  ]
}

function isHeader(packet: Uint8Array, type: number): boolean {
  return packet[0] === type && String.fromCharCode(...packet.subarray(1, 7)) === 'vorbis'
}

function unreadable(why: string): ApiError {
  return new ApiError('audio_unreadable', {
    message: `The audio looks like Vorbis, but ${why}. Check that the file plays.`,
  })
}
