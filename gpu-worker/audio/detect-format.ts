/** What kind of file some bytes are, by what is in them; names and declared types are never asked. */
import { findMpegFrames } from './codecs/mpeg-header.ts'

/** Containers that are decoded. `mp3` and `adts` are streams of frames without one. */
export type Container = 'wav' | 'mp3' | 'flac' | 'ogg' | 'matroska' | 'mp4' | 'adts' | 'latm'

/** A container; or audio that isn't decoded; or what the bytes look like instead (`a PNG image`). */
export type Detection =
  | { kind: 'container'; container: Container /** Bytes of ID3 tags in front. */; offset: number }
  | { kind: 'unsupported'; name: string }
  | { kind: 'not-audio'; looksLike: string }

/** How far a first MPEG frame is searched for behind junk, bytes. */
const MPEG_SEARCH_BYTES = 65_536

/** Tells what the bytes are. Reads the beginning only, allocates next to nothing, never throws. */
export function detectFormat(bytes: Uint8Array): Detection {
  const offset = skipId3Tags(bytes)
  const container = containerAt(bytes, offset)
  if (container) return { kind: 'container', container, offset }
  const other = magicNumbers.find(({ magic, at = 0 }) => startsWith(bytes, magic, at))
  if (other) {
    const { name, audio = false } = other
    return audio ? { kind: 'unsupported', name } : { kind: 'not-audio', looksLike: name }
  }
  if (offset === 0) {
    const text = describeText(bytes)
    if (text) return { kind: 'not-audio', looksLike: text }
  }
  // Junk, or an ID3 tag that lies about its length, before the first frame.
  for (const from of [offset, 0]) {
    const found = findMpegFrames(bytes, from, from + MPEG_SEARCH_BYTES, 3)
    if (found >= 0) return { kind: 'container', container: 'mp3', offset: found }
  }
  return { kind: 'not-audio', looksLike: describeBinary(bytes) }
}

function containerAt(bytes: Uint8Array, at: number): Container | null {
  const riff = startsWith(bytes, 'RIFF', at) || startsWith(bytes, 'RF64', at) || startsWith(bytes, 'BW64', at)
  if (riff && startsWith(bytes, 'WAVE', at + 8)) return 'wav'
  if (startsWith(bytes, 'fLaC', at)) return 'flac'
  if (startsWith(bytes, 'OggS', at)) return 'ogg'
  if (startsWith(bytes, '\x1a\x45\xdf\xa3', at)) return 'matroska'
  if (startsWith(bytes, 'ftyp', at + 4) || startsWith(bytes, 'styp', at + 4)) return 'mp4'
  const [first, second] = [bytes[at], bytes[at + 1] ?? 0]
  // ADTS has MPEG's sync word with the layer bits 00, which no MPEG layer uses.
  if (first === 0xff && (second & 0xf6) === 0xf0 && bytes.length - at >= 7) return 'adts'
  if (first === 0x56 && (second & 0xe0) === 0xe0) return 'latm'
  if (first === 0xff && findMpegFrames(bytes, at, at + 1, 2) >= 0) return 'mp3'
  return null
}

/** Length of the ID3v2 tags at the beginning; MP3, AAC and FLAC files carry them. */
function skipId3Tags(bytes: Uint8Array): number {
  let at = 0
  while (startsWith(bytes, 'ID3', at) && at + 10 <= bytes.length) {
    // Four bytes of 7 bits each, and a footer of 10 bytes when bit 4 of the flags is set.
    let size = 0
    for (let i = 6; i < 10; i++) size = size * 128 + (bytes[at + i]! & 0x7f)
    at += 10 + size + (bytes[at + 5]! & 0x10 ? 10 : 0)
  }
  return Math.min(at, bytes.length)
}

interface MagicNumber {
  magic: string
  at?: number
  name: string
  audio?: boolean
}

const magicNumbers: MagicNumber[] = [
  { magic: 'FORM', name: 'AIFF', audio: true },
  { magic: 'RIFX', name: 'big-endian WAV', audio: true },
  { magic: 'AVI ', at: 8, name: 'an AVI video', audio: true },
  { magic: '#!AMR', name: 'AMR', audio: true },
  { magic: 'caff', name: 'Core Audio (CAF)', audio: true },
  { magic: '.snd', name: 'Sun audio (AU)', audio: true },
  { magic: '\x30\x26\xb2\x75\x8e\x66\xcf\x11', name: 'Windows Media (ASF)', audio: true },
  { magic: '\x0b\x77', name: 'Dolby Digital (AC-3)', audio: true },
  { magic: 'wvpk', name: 'WavPack', audio: true },
  { magic: 'MAC ', name: "Monkey's Audio", audio: true },
  { magic: 'MThd', name: 'MIDI', audio: true },
  { magic: '#!SILK', name: 'SILK', audio: true },
  { magic: '\x89PNG', name: 'a PNG image' },
  { magic: '\xff\xd8\xff', name: 'a JPEG image' },
  { magic: 'GIF8', name: 'a GIF image' },
  { magic: 'WEBP', at: 8, name: 'a WebP image' },
  { magic: '%PDF', name: 'a PDF document' },
  { magic: 'PK\x03\x04', name: 'a ZIP archive or an Office document' },
  { magic: '\x1f\x8b', name: 'gzip-compressed data' },
  { magic: '\x7fELF', name: 'a program' },
  { magic: 'MZ', name: 'a program' },
]

/** Names the kind of text, or null when the bytes aren't text. */
function describeText(bytes: Uint8Array): string | null {
  const head = bytes.subarray(0, 1024)
  let printable = 0
  for (const byte of head) {
    if (byte === 0 || byte === 127) return null
    if (byte >= 32 || byte === 9 || byte === 10 || byte === 13) printable++
  }
  if (head.length === 0 || printable < head.length * 0.98) return null
  const text = new TextDecoder().decode(head).trimStart()
  // Latin-1 or any binary of high bytes is no UTF-8.
  if (text.slice(0, -3).includes('\ufffd')) return null
  if (/^(<!doctype html|<html)/i.test(text)) return 'an HTML page'
  if (/^<\?xml|^<svg|^<[a-z]+[\s>]/i.test(text)) return 'XML'
  if (/^[[{]/.test(text)) return 'JSON'
  if (/^data:[\w/+.-]*[;,]/.test(text)) return 'a data: URL that was encoded once more'
  if (text.length > 64 && /^[A-Za-z0-9+/=\s]+$/.test(text) && !/ /.test(text))
    return 'base64 that was encoded once more'
  return 'plain text'
}

function describeBinary(bytes: Uint8Array): string {
  if (bytes.every(byte => byte === 0)) return 'nothing but zero bytes'
  const head = [...bytes.subarray(0, 8)].map(byte => byte.toString(16).padStart(2, '0'))
  return `unknown data that starts with the bytes ${head.join(' ')}`
}

/** Whether the bytes at `at` are the characters of `magic`, one byte each. */
function startsWith(bytes: Uint8Array, magic: string, at: number): boolean {
  if (at + magic.length > bytes.length) return false
  for (let i = 0; i < magic.length; i++) if (bytes[at + i] !== magic.charCodeAt(i)) return false
  return true
}
