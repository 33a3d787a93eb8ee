/**
 * The audio of a request to a server that isn't ours: its bytes, its id and its length. vLLM cuts what is longer than
 * its model hears without a word, so the length is known before anything is sent.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { decodeBase64, parseAudioUrl } from '../../protocol/audio-source.ts'
import type { AudioCoverage, AudioPart } from '../../protocol/chat-completions.ts'
import { ApiError } from '../../protocol/errors.ts'
import { defaultLimits } from '../../protocol/limits.ts'
import type { FileLibrary } from '../../storage/file-library.ts'
import { limitedPieces, readAll } from '../../storage/object-store.ts'
import type { OpenAiUpstream } from '../choose.ts'
import type { ForwardedRequest } from '../forwarded-request.ts'
import type { HeardAudio } from './heard-audio.ts'

/** A part as vLLM takes it: OpenAI's, and `uuid`, by which its caches know the audio; with that alone it is looked up there. */
export interface UpstreamAudioPart {
  type: 'audio_url'
  audio_url: { url: string } | null
  uuid: string
}

/** One audio, for the server and for the usage of the answer. */
export interface UpstreamAudio {
  part: UpstreamAudioPart
  coverage: AudioCoverage
}

/** Who asks whom. */
export interface AudioContext {
  /** Id of its address. */
  server: string
  openai: OpenAiUpstream
  request: Pick<ForwardedRequest, 'model' | 'tenant'>
  heard: HeardAudio
  /** Files that were uploaded; null where none are kept. */
  files: FileLibrary | null
}

/** What an encoder's padding may add to an audio that was as long as it may be. */
const paddingSeconds = 0.1

const wavHeaderBytes = 44

const { maxAudioBytes } = defaultLimits

/**
 * @param index of the audio in the conversation
 * @param param path of the part, for errors
 * @throws ApiError for audio that can't be had, can't be read, or is too long
 */
export async function toUpstreamAudio(
  part: AudioPart,
  index: number,
  param: string,
  context: AudioContext,
): Promise<UpstreamAudio> {
  const { server, request, heard } = context
  const source = await sourceOf(part, param, context)
  if (source.kind === 'audio-id') {
    const seconds = heard.secondsOf(server, request.tenant, source.id)
    if (seconds === undefined) throw notCached(param)
    return {
      part: reference(request.tenant, source.id, null),
      coverage: covered(index, source.id, seconds, context),
    }
  }
  const { bytes, base64 } = source
  const seconds = await secondsOf(bytes, param)
  checkLength(seconds, param, context)
  const id = bytesToHex(sha256(bytes))
  heard.add(server, request.tenant, id, seconds)
  // What type the URL says is of no matter: the bytes tell.
  const url = `data:audio/wav;base64,${base64}`
  return { part: reference(request.tenant, id, url), coverage: covered(index, id, seconds, context) }
}

/** An uploaded file. @throws ApiError file_not_found, payload_too_large */
export async function readFile(
  id: string,
  param: string,
  { files, request }: AudioContext,
): Promise<Uint8Array> {
  if (files === null) {
    throw new ApiError('file_not_found', { message: `Invalid ${param}: no files are kept here.`, param })
  }
  const { body } = await files.open(request.tenant, id, param)
  return readAll(limitedPieces(body, maxAudioBytes))
}

function notCached(param: string): ApiError {
  return new ApiError('audio_not_cached', {
    message: `Invalid ${param}: the audio of this id is not there any more. Send the audio itself again.`,
    param,
  })
}

type Source = { kind: 'bytes'; bytes: Uint8Array; base64: string } | { kind: 'audio-id'; id: string }

async function sourceOf(part: AudioPart, param: string, context: AudioContext): Promise<Source> {
  if (part.type === 'input_audio') {
    return fromBase64(part.input_audio.data, `${param}.input_audio.data`)
  }
  if (part.type === 'file')
    return fromBytes(await readFile(part.file.file_id, `${param}.file.file_id`, context))
  const path = `${param}.audio_url.url`
  const url = parseAudioUrl(part.audio_url.url, path)
  switch (url.kind) {
    case 'data':
      return fromBase64(url.base64, path)
    case 'file':
      return fromBytes(await readFile(url.id, path, context))
    case 'audio-id':
      return url
    case 'http':
      // Nobody there checks where a URL leads, and how long the audio is would be known too late.
      throw new ApiError('audio_url_unsupported', {
        message: `Invalid ${path}: ${context.request.model} runs on a server that is given no URLs to fetch. Send the audio itself, or upload it (POST /v1/files).`,
        param: path,
      })
  }
}

function fromBase64(text: string, param: string): Source {
  const bytes = decodeBase64(text, { param, maxBytes: maxAudioBytes })
  const isStandard = text.length === Math.ceil(bytes.byteLength / 3) * 4
  return { kind: 'bytes', bytes, base64: isStandard ? text : toBase64(bytes) }
}

function fromBytes(bytes: Uint8Array): Source {
  return { kind: 'bytes', bytes, base64: toBase64(bytes) }
}

/** Read from the headers of the file, or counted over its frames. @throws ApiError audio_unreadable, audio_empty */
async function secondsOf(bytes: Uint8Array, param: string): Promise<number> {
  const { parseBuffer } = await import('music-metadata')
  let seconds: number | undefined
  try {
    const { format } = await parseBuffer(bytes, undefined, {
      duration: true,
      skipCovers: true,
      skipPostHeaders: true,
    })
    seconds = format.duration
    if (format.container === 'WAVE' && format.bitrate !== undefined) {
      // One that was written to a pipe says 4 GB, or nothing.
      const most = ((bytes.byteLength - wavHeaderBytes) * 8) / format.bitrate
      seconds = Math.max(0, Math.min(seconds ?? most, most))
    }
  } catch (cause) {
    throw unreadable(param, 'it is no audio file that is known here', cause)
  }
  if (seconds === undefined || Number.isNaN(seconds)) {
    throw unreadable(param, 'how long it is can’t be told from the file; convert it to WAV, FLAC, MP3 or Ogg')
  }
  if (seconds > 0) return seconds
  throw new ApiError('audio_empty', { message: `Invalid ${param}: the audio holds no samples.`, param })
}

function checkLength(seconds: number, param: string, { openai, request }: AudioContext): void {
  if (seconds <= openai.maxAudioSeconds + paddingSeconds) return
  throw new ApiError('audio_too_long', {
    message: `Invalid ${param}: the audio is ${seconds.toFixed(1)} s long, and ${request.model} hears at most ${openai.maxAudioSeconds} s of one. Send it in parts.`,
    param,
  })
}

function unreadable(param: string, reason: string, cause?: unknown): ApiError {
  return new ApiError('audio_unreadable', { message: `Invalid ${param}: ${reason}.`, param, cause })
}

/** Nothing is shared between tenants, so a name of one tenant's audio leads to no other's. */
function reference(tenant: string, id: string, url: string | null): UpstreamAudioPart {
  return { type: 'audio_url', audio_url: url === null ? null : { url }, uuid: `${tenant}/${id}` }
}

function covered(index: number, id: string, seconds: number, { openai }: AudioContext): AudioCoverage {
  const received = Math.round(seconds * 1000) / 1000
  const encoded = Math.min(received, openai.maxAudioSeconds)
  return {
    index,
    audio_id: id,
    seconds_received: received,
    seconds_encoded: encoded,
    ranges: [{ start: 0, end: encoded }],
  }
}

export function toBase64(bytes: Uint8Array): string {
  let binary = ''
  const step = 32_768
  for (let at = 0; at < bytes.byteLength; at += step) {
    binary += String.fromCharCode(...bytes.subarray(at, at + step))
  }
  return btoa(binary)
}
