import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type AudioInput, fileNameOf, toBase64, toBlob } from './audio.ts'

const bytes = Uint8Array.of(1, 2, 3, 250)
const context = {
  fetch: async () => new Response(bytes),
  signal: undefined,
}
const read = async (audio: AudioInput) => new Uint8Array(await (await toBlob(audio, context)).arrayBuffer())

afterEach(() => vi.unstubAllGlobals())

describe('toBlob', () => {
  test.each<[string, () => AudioInput]>([
    ['a Blob', () => new Blob([bytes])],
    ['a File', () => new File([bytes], 'a.wav')],
    ['bytes', () => bytes],
    ['bytes amid others', () => Uint8Array.of(9, ...bytes, 9).subarray(1, 5)],
    ['a buffer', () => bytes.slice().buffer],
    ['a Response', () => new Response(bytes)],
    ['a stream', () => new Response(bytes).body!],
    ['an iterable', () => pieces()],
    ['a URL', () => new URL('https://server.test/a.wav')],
    ['a URL as a string', () => 'https://server.test/a.wav'],
  ])('takes %s', async (_name, audio) => {
    expect(await read(audio())).toEqual(bytes)
  })

  test('takes the path of a file, and says which is not there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'auricle-sdk-'))
    try {
      await writeFile(join(folder, 'a.wav'), bytes)
      expect(await read(join(folder, 'a.wav'))).toEqual(bytes)
      await expect(read(join(folder, 'b.wav'))).rejects.toThrow(/b\.wav' can't be read/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('says what to give where there are no files', async () => {
    vi.stubGlobal('process', undefined)
    await expect(read('a.wav')).rejects.toThrow(/no files here. Give a Blob/)
  })

  test('makes WAV of samples', async () => {
    const wav = new DataView((await read(new Float32Array([0, 1, -1, 2]))).buffer)
    expect(wav.getUint32(24, true)).toBe(16_000)
    expect([0, 1, 2, 3].map(i => wav.getInt16(44 + 2 * i, true))).toEqual([0, 32767, -32767, 32767])
    const other = await read({ samples: new Float32Array(8), sampleRateHz: 48_000 })
    expect(new DataView(other.buffer).getUint32(24, true)).toBe(48_000)
  })

  test('says that a URL gave nothing', async () => {
    const missing = { ...context, fetch: async () => new Response(null, { status: 404 }) }
    await expect(toBlob('https://server.test/a.wav', missing)).rejects.toThrow(
      /a\.wav can't be fetched: status 404/,
    )
  })

  test('is cancelled by the signal while it fetches', async () => {
    const signal = AbortSignal.abort()
    const aborted = { fetch: async () => Promise.reject(signal.reason), signal }
    await expect(toBlob('https://server.test/a.wav', aborted)).rejects.toMatchObject({ name: 'AbortedError' })
  })

  test('refuses what is no audio', async () => {
    await expect(toBlob({} as AudioInput, context)).rejects.toThrow(/no kind that can be sent/)
  })
})

test.each<[AudioInput, string]>([
  ['calls/monday.mp3', 'monday.mp3'],
  ['C:\\calls\\monday.mp3', 'monday.mp3'],
  [new URL('https://server.test/calls/monday.mp3?key=1'), 'monday.mp3'],
  [new File([], 'monday.mp3'), 'monday.mp3'],
  [new Blob([]), 'audio'],
  [bytes, 'audio'],
  ['data:audio/wav;base64,AAAA', 'audio'],
])('the name of %s is %s', (audio, name) => {
  expect(fileNameOf(audio)).toBe(name)
})

test('toBase64 gives what Buffer gives, with and without the built-in', async () => {
  const check = fc.asyncProperty(fc.uint8Array({ maxLength: 100_000, size: 'max' }), async data => {
    expect(await toBase64(new Blob([data as BlobPart]))).toBe(Buffer.from(data).toString('base64'))
  })
  await fc.assert(check, { numRuns: 20 })
  const builtIn = Object.getOwnPropertyDescriptor(Uint8Array.prototype, 'toBase64')
  if (builtIn === undefined) return
  Reflect.deleteProperty(Uint8Array.prototype, 'toBase64')
  try {
    await fc.assert(check, { numRuns: 20 })
  } finally {
    Object.defineProperty(Uint8Array.prototype, 'toBase64', builtIn)
  }
})

async function* pieces() {
  yield bytes.subarray(0, 2)
  yield bytes.subarray(2)
}
