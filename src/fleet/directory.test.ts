import { beforeEach, describe, expect, test } from 'vitest'
import { type BeatBody, signBeat } from '../protocol/beat.ts'
import { errorResponse } from '../protocol/error-response.ts'
import { protocolVersion } from '../protocol/health.ts'
import { type Directory, MemoryDirectory, RemoteDirectory, serveDirectory } from './directory.ts'
import { WorkerRegistry } from './registry.ts'
import { VirtualClock, VirtualFleet } from './virtual-fleet.ts'

const secret = 'a-shared-secret'
const beatOf = (id: string, changes: Partial<BeatBody> = {}): BeatBody => ({
  worker: { id, url: `http://${id}` },
  status: 'ready',
  protocol_version: protocolVersion,
  models: ['pocket'],
  load: { running: 1, waiting: 0, slots: 8 },
  ...changes,
})

let clock: VirtualClock
let memory: MemoryDirectory
let nonces = 0
beforeEach(() => {
  clock = new VirtualClock()
  memory = new MemoryDirectory({ secrets: [secret], clock, maxWorkers: 3 })
})

async function send(directory: Directory, beat: object, nonce = `n${nonces++}`) {
  const body = new TextEncoder().encode(JSON.stringify(beat))
  return directory.accept(await signBeat(secret, body, clock.now(), nonce), body)
}

describe.each<[string, () => Directory]>([
  ['in the process', () => memory],
  [
    'elsewhere',
    () =>
      new RemoteDirectory(request => serveDirectory(memory, request).catch(error => errorResponse(error))),
  ],
])('a directory %s', (_name, make) => {
  test('knows who beats, and for how long they have been silent', async () => {
    const directory = make()
    expect(await send(directory, beatOf('a'))).toEqual({ next_in_ms: 2_000 })
    clock.advance(3_000)
    await send(directory, beatOf('b'))
    const heard = await directory.snapshot()
    expect(heard.map(({ beat, heardAgoMs }) => [beat.worker.id, heardAgoMs])).toEqual([
      ['a', 3_000],
      ['b', 0],
    ])
    clock.advance(7_001)
    expect((await directory.snapshot()).map(({ beat }) => beat.worker.id)).toEqual(['b'])
  })

  test('refuses a beat that was sent before, a wrong secret, and more workers than it holds', async () => {
    const directory = make()
    await send(directory, beatOf('a'), 'once')
    await expect(send(directory, beatOf('a'), 'once')).rejects.toMatchObject({ code: 'invalid_signature' })
    const body = new TextEncoder().encode(JSON.stringify(beatOf('x')))
    await expect(
      directory.accept(await signBeat('guessed', body, clock.now(), 'n'), body),
    ).rejects.toMatchObject({ code: 'invalid_signature', param: 'x-auricle-signature' })
    for (const id of ['b', 'c']) await send(directory, beatOf(id))
    await expect(send(directory, beatOf('d'))).rejects.toMatchObject({ code: 'overloaded' })
    await expect(send(directory, { worker: 1 })).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

describe('the registry over a directory', () => {
  async function registryWith(...beats: BeatBody[]) {
    const workers = new VirtualFleet()
    const registry = new WorkerRegistry({
      addresses: () => [],
      directory: memory,
      fetch: workers.fetch,
      clock,
    })
    for (const beat of beats) await send(memory, beat)
    await registry.refresh()
    const kinds = () =>
      Object.fromEntries(registry.known().map(({ address, state }) => [address.id, state.kind]))
    return { workers, registry, kinds }
  }

  test('knows workers as they say they are, and asks none of them', async () => {
    const { workers, kinds } = await registryWith(beatOf('a'), beatOf('b', { status: 'draining' }), {
      ...beatOf('c'),
      protocol_version: 99,
    } as unknown as BeatBody)
    expect(kinds()).toEqual({ a: 'ready', b: 'not-ready', c: 'incompatible' })
    expect(workers.workers.size).toBe(0)
  })

  test('a worker that goes silent is gone', async () => {
    const { registry, kinds } = await registryWith(beatOf('a'), beatOf('b'))
    clock.advance(9_000)
    await send(memory, beatOf('b'))
    clock.advance(1_001)
    await registry.refresh()
    expect(kinds()).toEqual({ b: 'ready' })
  })

  test('one that beats but cannot be reached from here stays unused until it can', async () => {
    const { workers, registry, kinds } = await registryWith(beatOf('a'))
    registry.markUnreachable({ id: 'a', url: 'http://a' })
    clock.advance(1_500)
    await send(memory, beatOf('a'))
    await registry.refresh()
    expect(kinds()).toEqual({ a: 'unreachable' })
    workers.add('a')
    clock.advance(1_500)
    await send(memory, beatOf('a'))
    await registry.refresh()
    expect(kinds()).toEqual({ a: 'ready' })
  })

  test('what a worker answered itself holds until it beats again', async () => {
    const { registry, kinds } = await registryWith(beatOf('a'))
    clock.advance(10)
    registry.markNotReady({ id: 'a', url: 'http://a' })
    expect(kinds()).toEqual({ a: 'not-ready' })
    clock.advance(1_500)
    await send(memory, beatOf('a'))
    await registry.refresh()
    expect(kinds()).toEqual({ a: 'ready' })
  })
})
