/** The edge before the real worker, in one process: everything but the models and the network is what is deployed. */
import { createAudioSources } from '../../gpu-worker/audio-sources.ts'
import { fakeChatModel } from '../../gpu-worker/fake-chat-model.ts'
import { fakeSpeechModel } from '../../gpu-worker/fake-speech-model.ts'
import { createWorkerApp } from '../../gpu-worker/server.ts'
import { createApp } from '../../src/app.ts'
import { systemClock } from '../../src/fleet/clock.ts'
import { MemoryDirectory } from '../../src/fleet/directory.ts'
import { Fleet } from '../../src/fleet/fleet.ts'
import { KeyRing } from '../../src/keys/key-ring.ts'
import { StoredKeys } from '../../src/keys/key-store.ts'
import { KeyVerifier } from '../../src/keys/verify-key.ts'
import { InProcessRateLimiter } from '../../src/limits/rate-limiter.ts'
import { parseLimits } from '../../src/limits/tenant-limits.ts'
import { ErrorBody } from '../../src/protocol/errors.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { doneData, ServerSentEventParser } from '../../src/protocol/sse.ts'
import { FileLibrary } from '../../src/storage/file-library.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import { NgramModels } from '../../src/storage/ngram-models.ts'
import { silentWav } from '../support/wav.ts'

export const fleetSecret = 'a secret of the fleet'
const tenant = 'fuzz'
/** Small enough that inputs go over them. */
const limits = {
  ...defaultLimits,
  maxBodyBytes: 64 * 1024,
  maxAudioBytes: 16 * 1024,
  maxFieldBytes: 4 * 1024,
  maxNgramFileBytes: 16 * 1024,
}

export interface Servers {
  edge: Fetchable
  worker: Fetchable
  /** A key with every scope. */
  key: string
  /** Ids of what is kept. */
  fileId: string
  ngramModelId: string
  uploadId: string
  wav: Uint8Array<ArrayBuffer>
  /** What edge or worker reported as its own failure; `checkAnswer` empties it. */
  failures: unknown[]
}

interface Fetchable {
  fetch(request: Request): Response | Promise<Response>
}

export async function startServers(): Promise<Servers> {
  const store = new MemoryStore()
  const failures: unknown[] = []
  const files = new FileLibrary(store, Date.now)
  const worker = createWorkerApp(
    {
      status: 'ready',
      models: new Map([['fake', { ...fakeChatModel('Hello.'), translationPrompt: 'Translate.' }]]),
      speechModels: new Map([['hears', fakeSpeechModel([' Hello there.', ' How are you?'])]]),
    },
    limits,
    {
      audioSources: createAudioSources(files, null, 0),
      ngramModels: new NgramModels(store, { maxModelBytes: limits.maxNgramModelBytes }),
    },
  )
  // What the worker didn't expect, it writes there.
  console.error = (...what: unknown[]) => failures.push(what)
  const fleet = new Fleet({
    addresses: () => [{ id: 'worker', url: 'http://worker' }],
    fetch: async (input, init) => worker.fetch(new Request(input, init)),
    clock: systemClock,
  })
  const edge = createApp({
    fleet,
    limits,
    store,
    directory: new MemoryDirectory({ secrets: [fleetSecret], clock: systemClock }),
    corsOrigins: ['https://page.example'],
    keys: new KeyVerifier(new StoredKeys(store), Date.now),
    rates: {
      limiter: new InProcessRateLimiter(Date.now),
      limitsOf: parseLimits('{"requests_per_minute":1e9,"audio_seconds_per_day":1e9}'),
    },
    report: error => failures.push(error),
  })
  const { key } = await new KeyRing(store, Date.now).create(
    { tenant, name: 'fuzz', scopes: ['chat', 'transcribe', 'admin'] },
    { actor: 'cli', requestId: null },
  )
  const wav = new Uint8Array(Buffer.from(await silentWav(0.1), 'base64'))
  const make = async (path: string, body: object): Promise<string> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const request = new Request(`http://edge${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return (await (await edge.fetch(request)).json()).id
  }
  const upload = { filename: 'a.wav', bytes: 7, mime_type: 'audio/wav' }
  const file = await files.add(tenant, {
    filename: 'a.wav',
    purpose: 'user_data',
    contentType: 'audio/wav',
    expiresAt: Math.floor(Date.now() / 1000) + 86_400,
    maxBytes: 100_000,
    open: async () => new Blob([wav]).stream(),
  })
  return {
    edge,
    worker,
    key,
    fileId: file.id,
    ngramModelId: await make('/v1/ngram-models', { text: 'hello there\nhow are you\n', order: 2 }),
    uploadId: await make('/v1/uploads', upload),
    wav,
    failures,
  }
}

/** Who is asked: the edge, or the worker itself where it serves the path. */
export function serverOf({ edge, worker }: Servers, path: string, preferWorker: boolean): Fetchable {
  return preferWorker && /^\/v1\/(chat|models|audio\/trans)/.test(path) ? worker : edge
}

/** What a request may end in that took the caller's own time limit too seriously. */
const lateCodes = ['deadline_exceeded']

/**
 * Reads an answer to its end, and holds it to what every answer must be: no failure of the server's, errors of the
 * catalogue's shape, streams that end as streams end.
 * @throws Error that says what isn't so
 */
export async function checkAnswer(response: Response, failures: unknown[]): Promise<void> {
  const bytes = new Uint8Array(await response.arrayBuffer())
  const text = new TextDecoder().decode(bytes)
  const reported = failures.splice(0)
  if (reported.length > 0) throw new Error('the server reported a failure', { cause: reported[0] })
  if (!response.ok) return checkError(text, response.status)
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return
  const last = new ServerSentEventParser().push(bytes).at(-1)
  if (last?.data !== doneData) checkError(last?.data ?? '', null)
}

/** @param status null within a stream */
function checkError(text: string, status: number | null): void {
  if (status === 204 || status === 304) return
  const { error } = ErrorBody.parse(JSON.parse(text))
  const isServers = status === null ? error.type === 'server_error' : status >= 500
  if (isServers && !lateCodes.includes(error.code ?? '')) throw new Error(`${status}: ${text}`)
  if (error.message === '') throw new Error('an error without a message')
}
