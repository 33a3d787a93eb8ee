/**
 * Fetches audio from a URL that a stranger wrote. The name is resolved once, every address that it has is checked, and
 * the connection goes to those addresses and no others, so a name whose answer changes changes nothing; each
 * redirect starts anew. (OWASP API7:2023. Workers can't pin an address, so the edge never fetches.)
 */
import { lookup as resolveName } from 'node:dns/promises'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { ApiError } from '../../src/protocol/errors.ts'
import { type AddressPolicy, isAllowedAddress, isAllowedHost, isAllowedPort } from './address-policy.ts'

export interface ResolvedAddress {
  address: string
  family: number
}

export interface FetchAudioOptions {
  policy: AddressPolicy
  maxBytes: number
  /** For all of it: names, connections, redirects, bytes. */
  timeoutMs: number
  signal: AbortSignal
  /** Path of the field, for errors. */
  param: string
  /** All addresses of a name; the system's resolver unless a test brings its own. */
  resolve?: (host: string) => Promise<readonly ResolvedAddress[]>
}

const maxRedirects = 5
const redirectStatuses = new Set([301, 302, 303, 307, 308])

/**
 * The bytes of the file.
 * @throws ApiError audio_url_refused (it leads where it may not), audio_url_failed (it gives no audio),
 *   payload_too_large, request_cancelled
 */
export async function fetchAudio(text: string, options: FetchAudioOptions): Promise<Uint8Array<ArrayBuffer>> {
  const timeout = AbortSignal.timeout(options.timeoutMs)
  const signal = AbortSignal.any([options.signal, timeout])
  try {
    let url = checkUrl(text, options)
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const response = await dial(url, await checkedAddresses(url, options, signal), signal)
      if (!redirectStatuses.has(response.statusCode ?? 0)) return await readFile(response, options)
      response.destroy()
      const next = checkUrl(response.headers.location ?? '', options, url)
      if (url.protocol === 'https:' && next.protocol === 'http:') {
        throw refused(options.param, 'it leads from https to http')
      }
      url = next
    }
    throw failed(options.param, `it redirects more than ${maxRedirects} times`)
  } catch (error) {
    if (error instanceof ApiError) throw error
    if (options.signal.aborted) {
      throw new ApiError('request_cancelled', { message: 'The client closed the request.', cause: error })
    }
    if (timeout.aborted) throw failed(options.param, `it took longer than ${options.timeoutMs / 1000} s`)
    // Never what went wrong inside: it would tell a stranger about the network.
    throw failed(options.param, 'the server cannot be reached or broke off', error)
  }
}

/** One parser decides what a URL means, for the check and for the connection alike: WHATWG's. */
function checkUrl(text: string, { policy, param }: FetchAudioOptions, base?: URL): URL {
  const url = URL.canParse(text, base) ? new URL(text, base) : null
  if (url === null) throw refused(param, 'it is not a URL')
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refused(param, 'only http and https are fetched')
  if (url.username !== '' || url.password !== '') throw refused(param, 'it holds a user name or password')
  if (!isAllowedPort(portOf(url))) throw refused(param, 'its port is not one of the web')
  if (!isAllowedHost(hostOf(url), policy)) throw refused(param, 'its host is not allowed here')
  return url
}

async function checkedAddresses(
  url: URL,
  { policy, param, resolve = systemResolve }: FetchAudioOptions,
  signal: AbortSignal,
): Promise<readonly ResolvedAddress[]> {
  const host = hostOf(url)
  const family = isIP(host)
  const addresses = family === 0 ? await orAborted(resolve(host), signal) : [{ address: host, family }]
  // One that may not be dialled makes all of them suspect: the name belongs to someone who tries.
  const allowed = addresses.every(({ address }) => isAllowedAddress(address, policy))
  if (addresses.length === 0 || !allowed) throw refused(param, 'it leads to an address that is not public')
  return addresses
}

/** A connection of its own, to one of the addresses, with the name for TLS and the Host header. */
function dial(
  url: URL,
  addresses: readonly ResolvedAddress[],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const pinned: LookupFunction = (_host, options, callback) => {
    const usable = options.family ? addresses.filter(({ family }) => family === options.family) : addresses
    if (options.all) callback(null, [...(usable.length > 0 ? usable : addresses)])
    else callback(null, addresses[0]!.address, addresses[0]!.family)
  }
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      agent: false,
      lookup: pinned,
      signal,
      // What follows is not taken from the URL and not from the caller.
      auth: null,
      headers: { accept: 'audio/*, */*;q=0.1', 'accept-encoding': 'identity', 'user-agent': 'auricle' },
      maxHeaderSize: 16_384,
    })
    sent.once('error', reject)
    sent.once('response', resolve)
    sent.end()
  })
}

async function readFile(
  response: IncomingMessage,
  { maxBytes, param }: FetchAudioOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    if (response.statusCode !== 200) throw failed(param, `the server answered ${response.statusCode}`)
    if ((response.headers['content-encoding'] ?? 'identity') !== 'identity') {
      throw failed(param, 'the server compresses it')
    }
    const type = (response.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
    if (!mayBeAudio(type))
      throw failed(
        param,
        `the server calls it ${/^[\w.+-]+\/[\w.+-]+$/.test(type) ? type : 'something else'}`,
      )
    if (Number(response.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(param, maxBytes)
    const pieces: Buffer[] = []
    let length = 0
    for await (const piece of response as AsyncIterable<Buffer>) {
      length += piece.byteLength
      if (length > maxBytes) throw tooLarge(param, maxBytes)
      pieces.push(piece)
    }
    const bytes = new Uint8Array(length)
    let at = 0
    for (const piece of pieces) {
      bytes.set(piece, at)
      at += piece.byteLength
    }
    return bytes
  } finally {
    response.destroy()
  }
}

/** The bytes decide what it is; this only spares the reading of what is something else for sure. */
function mayBeAudio(type: string): boolean {
  return (
    type === '' ||
    /^(audio|video)\//.test(type) ||
    /^(application|binary)\/(ogg|octet-stream|x-flac)$/.test(type)
  )
}

/** `[::1]` without its brackets. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
}

function systemResolve(host: string): Promise<ResolvedAddress[]> {
  return resolveName(host, { all: true, verbatim: true })
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function refused(param: string, reason: string): ApiError {
  return new ApiError('audio_url_refused', {
    message: `Invalid ${param}: ${reason}. Send the audio itself, or a URL that anyone can reach.`,
    param,
  })
}

function failed(param: string, reason: string, cause?: unknown): ApiError {
  return new ApiError('audio_url_failed', {
    message: `Invalid ${param}: ${reason}. Check that the URL gives the audio file to anyone.`,
    param,
    cause,
  })
}

function tooLarge(param: string, maxBytes: number): ApiError {
  return new ApiError('payload_too_large', {
    message: `${param} is larger than ${Math.floor(maxBytes / 1024 / 1024)} MB. Compress the audio or cut it.`,
    param,
  })
}
