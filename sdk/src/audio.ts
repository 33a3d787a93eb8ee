/** Audio as callers have it, made into what the wire takes. */
import { encodeWav } from '../../web/wav.js'
import { AuricleError, ConnectionError } from './errors.ts'
import { throwIfAborted } from './transport.ts'

/**
 * A recording: the path of a file (Node, Deno, Bun); a URL, which is fetched here (http:, https:, data:, blob:; as a
 * string or a URL); a Blob or File; the bytes of a file, whole or as a stream; a Response that holds it; or samples, mono,
 * full scale 1, at 16 kHz unless a rate is given.
 */
export type AudioInput =
  | string
  | URL
  | Blob
  | ArrayBuffer
  | Uint8Array
  | Float32Array
  | Samples
  | Response
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>

/** Samples of another rate than 16 kHz. */
export interface Samples {
  /** Mono, full scale 1. */
  samples: Float32Array
  sampleRateHz: number
}

/** What reading audio may need. */
export interface ReadContext {
  fetch: typeof fetch
  signal: AbortSignal | undefined
}

/** The rate that the models hear at. */
const modelRateHz = 16_000

/**
 * The bytes of its file.
 * @throws AuricleError when the file or the URL can't be read, or it is nothing of the kind
 */
export async function toBlob(audio: AudioInput, context: ReadContext): Promise<Blob> {
  if (audio instanceof Blob) return audio
  if (audio instanceof Float32Array) return encodeWav(audio, modelRateHz)
  if (audio instanceof ArrayBuffer || audio instanceof Uint8Array) return new Blob([audio as BlobPart])
  if (audio instanceof URL) return fetchBlob(audio.href, context)
  if (audio instanceof Response) return audio.blob()
  if (typeof audio === 'string') {
    return /^(https?|data|blob):/i.test(audio) ? fetchBlob(audio, context) : readFile(audio)
  }
  if ('samples' in audio) return encodeWav(audio.samples, audio.sampleRateHz)
  return collect(audio)
}

/** The name that a form sends with it; the server tells formats apart by the bytes. */
export function fileNameOf(audio: AudioInput): string {
  const name = audio instanceof Blob ? (audio as File).name : String(audio).startsWith('data:') ? '' : audio
  const last = typeof name === 'string' || name instanceof URL ? String(name).split(/[?#]/)[0]! : ''
  return last.split(/[\\/]/).at(-1) || 'audio'
}

/** Standard base64 of its bytes. */
export async function toBase64(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer())
  if ('toBase64' in bytes) return (bytes as { toBase64(): string }).toBase64()
  // Arguments of a call are limited in number, so a piece at a time; each a whole number of base64's groups.
  const piece = 3 * 8192
  let text = ''
  for (let at = 0; at < bytes.length; at += piece) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + piece)))
  }
  return text
}

async function fetchBlob(url: string, { fetch, signal }: ReadContext): Promise<Blob> {
  const where = url.startsWith('data:') ? 'the data: URL' : url
  try {
    const response = await fetch(url, { signal: signal ?? null })
    if (response.ok) return await response.blob()
    throw new AuricleError(`The audio at ${where} can't be fetched: status ${response.status}.`)
  } catch (cause) {
    throwIfAborted(signal)
    if (cause instanceof AuricleError) throw cause
    throw new ConnectionError(`The audio at ${where} can't be fetched.`, { cause })
  }
}

/** Only runtimes with files have `node:fs`; it is asked for here, so that bundles for browsers don't look for it. */
async function readFile(path: string): Promise<Blob> {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }
  const files = process?.getBuiltinModule?.('node:fs') as Partial<typeof import('node:fs')> | undefined
  if (files?.promises === undefined) {
    throw new AuricleError(`'${path}' is a path, and there are no files here. Give a Blob, a URL or bytes.`)
  }
  try {
    // The first doesn't read more of it than is sent at a time.
    return (await files.openAsBlob?.(path)) ?? new Blob([await files.promises.readFile(path)])
  } catch (cause) {
    throw new AuricleError(`The file '${path}' can't be read.`, { cause })
  }
}

async function collect(stream: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Blob> {
  if (stream instanceof ReadableStream) return new Response(stream).blob()
  if (typeof stream?.[Symbol.asyncIterator] !== 'function') {
    throw new AuricleError(
      'The audio is of no kind that can be sent: give a path, URL, Blob, bytes or samples.',
    )
  }
  const pieces: BlobPart[] = []
  for await (const piece of stream) pieces.push(piece as BlobPart)
  return new Blob(pieces)
}
