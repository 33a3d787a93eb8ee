import { describe, expect, test } from 'vitest'
import type { KnownWorker } from './choose.ts'
import { Traffic } from './traffic.ts'

function worker(running: number, waiting: number, checkedAtMs: number): KnownWorker {
  return {
    address: { id: 'a', url: 'http://a' },
    state: {
      kind: 'ready',
      models: ['x'],
      load: { running, waiting, slots: 4 },
      cachedAudio: null,
      checkedAtMs,
    },
  }
}

describe('what is at a worker', () => {
  test('is what we sent, and what others had there when it last spoke', () => {
    const traffic = new Traffic()
    const look = (running: number, waiting: number, atMs: number) =>
      traffic.candidates([worker(running, waiting, atMs)], atMs)[0]!
    expect(look(2, 0, 0).busy).toBe(2)
    const journeys = [0, 1, 2].map(() => traffic.begin(look(2, 0, 0), 0))
    expect(look(2, 0, 0)).toMatchObject({ busy: 5, inFlight: 3 })
    // It speaks again, of our three among them.
    expect(look(4, 2, 10).busy).toBe(6)
    for (const journey of journeys) journey.end('neither', 10)
    expect(look(4, 2, 10)).toMatchObject({ busy: 3, inFlight: 0 })
  })

  test('a journey ends once', () => {
    const traffic = new Traffic()
    const [candidate] = traffic.candidates([worker(0, 0, 0)], 0)
    const journey = traffic.begin(candidate!, 0)
    journey.end('failed', 5)
    journey.end('succeeded', 6)
    expect(traffic.inFlight).toBe(0)
  })
})

test('the wait is predicted from how long a slot is held, not from how long others waited for one', () => {
  const traffic = new Traffic()
  // Always 8 requests at 4 slots that hold one for a second each: an answer takes two seconds.
  for (let round = 0; round < 100; round++) {
    const nowMs = round * 10_000
    const [candidate] = traffic.candidates([worker(4, 3, nowMs)], nowMs)
    traffic.begin(candidate!, nowMs).end('succeeded', nowMs + 2_000)
  }
  const [busy] = traffic.candidates([worker(4, 3, 2e6)], 2e6)
  expect(busy!.waitMs).toBeCloseTo(1_000, -1)
  const [idle] = traffic.candidates([worker(3, 0, 3e6)], 3e6)
  expect(idle!.waitMs).toBe(0)
})

test('a worker that is full is full for as long as it says, and a second at most', () => {
  const traffic = new Traffic()
  const fullAt = (nowMs: number) => traffic.candidates([worker(0, 0, 0)], nowMs)[0]!.full
  traffic.full({ id: 'a', url: 'http://a' }, 300, 0)
  expect([fullAt(299), fullAt(300)]).toEqual([true, false])
  traffic.full({ id: 'a', url: 'http://a' }, 60_000, 0)
  expect([fullAt(999), fullAt(1_000)]).toEqual([true, false])
})

test('a worker that was full has room again as soon as one of ours there has ended', () => {
  const traffic = new Traffic()
  const look = () => traffic.candidates([worker(0, 0, 0)], 0)[0]!
  const journeys = [0, 1, 2].map(() => traffic.begin(look(), 0))
  journeys[2]!.end('neither', 0)
  traffic.full({ id: 'a', url: 'http://a' }, 1_000, 0)
  expect(look().full).toBe(true)
  journeys[0]!.end('succeeded', 0)
  expect(look().full).toBe(false)
  traffic.begin(look(), 0)
  expect(look().full).toBe(true)
})

describe('how long a request holds a slot', () => {
  const expectedMs = (samplesMs: readonly number[], outcome: 'succeeded' | 'late' = 'succeeded') => {
    const traffic = new Traffic()
    const look = () => traffic.candidates([worker(0, 0, 0)], 0)[0]!
    for (const sampleMs of samplesMs) traffic.begin(look(), 0).end(outcome, sampleMs)
    return look().serviceMs
  }
  const often = (...samplesMs: number[]) => Array.from({ length: 200 }, () => samplesMs).flat()

  test('is expected with something to spare, and more where it differs', () => {
    expect(expectedMs([])).toBe(625)
    expect(expectedMs(often(100))).toBeCloseTo(125)
    expect(expectedMs(often(20, 180))).toBeGreaterThan(220)
  })

  test('is learned from what came too late, as far as that took longer', () => {
    expect(expectedMs(often(1_000), 'late')).toBeGreaterThan(1_000)
    expect(expectedMs(often(100), 'late')).toBe(625)
  })
})

test('workers that are gone are forgotten once nothing of ours is there', () => {
  const traffic = new Traffic()
  const [candidate] = traffic.candidates([worker(0, 0, 0)], 0)
  const journey = traffic.begin(candidate!, 0)
  traffic.keep([])
  expect(traffic.inFlight).toBe(1)
  journey.end('succeeded', 700)
  traffic.keep([])
  expect(traffic.candidates([worker(4, 4, 9)], 9)[0]!.waitMs).toBe((5 / 4) * 500)
})
