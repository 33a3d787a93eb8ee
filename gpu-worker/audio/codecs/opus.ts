/** Opus (RFC 6716) in Ogg (RFC 7845) and in WebM, through libopus in WebAssembly, packet by packet. */
import { OpusDecoder } from 'opus-decoder'
import { ApiError } from '../../../src/protocol/errors.ts'
import { SAMPLE_RATE_HZ } from '../constants.ts'
import { type PcmCollector, tooLong } from '../pcm-collector.ts'

/** One Opus packet and what a container says of it. */
export interface OpusPacket {
  data: Uint8Array
  /** Samples at 48 kHz to leave out at its end. */
  discard: number
}

/** The stream's header (RFC 7845, section 5.1), which WebM keeps as codec private data. */
export interface OpusHead {
  channels: number
  /** Samples at 48 kHz to leave out at the beginning. */
  preSkip: number
  gain: number
  streams: number
  coupledStreams: number
  mapping: number[]
}

/** Opus counts time at this rate whatever the input was. */
export const OPUS_RATE_HZ = 48_000
/** 120 ms, the longest packet. */
const MAX_PACKET_SAMPLES = 5760
const MAX_CHANNELS = 8
/** What the decoder's input takes for one channel: 120 ms at 256 kbit/s. */
const MAX_PACKET_BYTES = 3840

/**
 * Reads an OpusHead packet.
 * @throws ApiError `audio_unreadable` for broken ones, `audio_format_unsupported` for ambisonics and over 8 channels
 */
export function parseOpusHead(bytes: Uint8Array): OpusHead {
  if (bytes.length < 19) throw unreadable('its header is cut off')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const channels = bytes[9]!
  const family = bytes[18]!
  const head = { channels, preSkip: view.getUint16(10, true), gain: 10 ** (view.getInt16(16, true) / 5120) }
  if (family === 0) {
    if (channels !== 1 && channels !== 2) throw unreadable(`its header claims ${channels} channels`)
    return { ...head, streams: 1, coupledStreams: channels - 1, mapping: channels === 2 ? [0, 1] : [0] }
  }
  if ((family !== 1 && family !== 255) || channels > MAX_CHANNELS)
    throw new ApiError('audio_format_unsupported', {
      message: `The Opus audio has ${channels} channels of mapping family ${family}. Mix it down to stereo or mono.`,
    })
  const streams = bytes[19] ?? 0
  const coupledStreams = bytes[20] ?? 0
  const mapping = [...bytes.subarray(21, 21 + channels)]
  const decoded = streams + coupledStreams
  const isValid =
    channels > 0 &&
    mapping.length === channels &&
    streams > 0 &&
    coupledStreams <= streams &&
    decoded <= MAX_CHANNELS &&
    mapping.every(index => index < decoded || index === 255)
  if (!isValid) throw unreadable('its channel mapping is broken')
  return { ...head, streams, coupledStreams, mapping }
}

/** Samples at 48 kHz that a packet decodes to, from its first two bytes; 0 for what is no packet. */
export function opusPacketSamples(packet: Uint8Array): number {
  if (packet.length === 0) return 0
  const config = packet[0]! >> 3
  const frameSamples =
    config < 12
      ? [480, 960, 1920, 2880][config & 3]!
      : config < 16
        ? [480, 960][config & 1]!
        : [120, 240, 480, 960][config & 3]!
  const code = packet[0]! & 3
  const frames = code === 0 ? 1 : code === 3 ? (packet[1] ?? 0) & 63 : 2
  const samples = frames * frameSamples
  return samples > MAX_PACKET_SAMPLES ? 0 : samples
}

/**
 * Decodes a stream of packets into `collector`. The length is counted first, from the packets' own headers, so that a
 * stream that is too long is turned away before any of it is decoded. Broken packets are skipped.
 * @param packets starts a pass over the packets; called twice
 * @throws ApiError `audio_too_long`
 */
export async function decodeOpus(
  head: OpusHead,
  packets: () => Iterable<OpusPacket>,
  collector: PcmCollector,
): Promise<void> {
  let total = -head.preSkip
  for (const { data, discard } of packets()) total += Math.max(0, opusPacketSamples(data) - discard)
  const seconds = collector.receivedSeconds + total / OPUS_RATE_HZ
  if (seconds > collector.maxSeconds) throw tooLong(seconds, collector.maxSeconds)

  // libopus synthesizes the lower third of the spectrum alone when asked for 16 kHz: nothing to resample.
  const decoder = new OpusDecoder({
    sampleRate: SAMPLE_RATE_HZ,
    channels: head.channels,
    streamCount: head.streams,
    coupledStreamCount: head.coupledStreams,
    channelMappingTable: head.mapping,
    preSkip: 0,
  })
  await decoder.ready
  const ratio = SAMPLE_RATE_HZ / OPUS_RATE_HZ
  let skip = Math.round(head.preSkip * ratio)
  for (const { data, discard } of packets()) {
    const { channelData, samplesDecoded } = decodePacket(decoder, data, head.channels)
    if (samplesDecoded === 0) collector.brokenPackets++
    const end = samplesDecoded - Math.round(discard * ratio)
    const start = Math.min(skip, samplesDecoded)
    skip -= start
    if (start >= end) continue
    const channels = channelData.map(channel => channel.subarray(start, end))
    if (head.gain !== 1) for (const channel of channels) scale(channel, head.gain)
    collector.writeChannels(channels, SAMPLE_RATE_HZ)
  }
  decoder.free()
}

function decodePacket(decoder: OpusDecoder<16000>, data: Uint8Array, channels: number) {
  const isSane = opusPacketSamples(data) > 0 && data.length <= MAX_PACKET_BYTES * channels
  return isSane ? decoder.decodeFrame(data) : { channelData: [], samplesDecoded: 0 }
}

function scale(samples: Float32Array, gain: number): void {
  for (let i = 0; i < samples.length; i++) samples[i]! *= gain
}

function unreadable(why: string): ApiError {
  return new ApiError('audio_unreadable', {
    message: `The audio looks like Opus, but ${why}. Check that the file plays.`,
  })
}
