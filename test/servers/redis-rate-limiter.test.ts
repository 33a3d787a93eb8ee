import { createClient } from '@redis/client'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { parseLimits } from '../../src/limits/tenant-limits.ts'
import { readConfiguration } from '../../workers/local/configuration.ts'
import { RedisRateLimiter } from '../../workers/local/redis-rate-limiter.ts'
import { startLocal } from '../../workers/local/start-local.ts'
import { startFakeWorker } from '../support/fake-worker.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'

let redis: RedisServer
let open: RedisRateLimiter[] = []
let lost: string[] = []

beforeAll(async () => {
  redis = await startRedisServer()
})
afterEach(async () => {
  await Promise.all(open.map(limiter => limiter.close()))
  open = []
  lost = []
})
afterAll(() => redis.stop())

const limitsOf = (limits: object) => parseLimits(JSON.stringify(limits))('any')

/** It tries to connect again after a second at the most. */
const patiently = { timeout: 20_000 }

/** An edge's limiter, connected. */
async function limiter(): Promise<RedisRateLimiter> {
  const made = new RedisRateLimiter({ url: redis.url, onLost: error => lost.push(error.message) })
  open.push(made)
  await connected(made)
  return made
}

/** What is counted in Redis can be seen there. */
async function connected(edge: RedisRateLimiter): Promise<void> {
  const tenant = crypto.randomUUID()
  await expect
    .poll(async () => {
      await edge.reserve(tenant, limitsOf({ requests_per_day: 1e6 }), { id: 'a', audioSeconds: 0 })
      return inRedis(client => client.exists(`auricle:usage:${tenant}`))
    }, patiently)
    .toBe(1)
}

const toRedis = () => createClient({ url: redis.url })

async function inRedis<T>(use: (client: ReturnType<typeof toRedis>) => Promise<T>): Promise<T> {
  const client = toRedis()
  await client.connect()
  try {
    return await use(client)
  } finally {
    client.destroy()
  }
}

describe('several edges', () => {
  test('let in together exactly as many requests as the limit says', async () => {
    const edges = await Promise.all(Array.from({ length: 4 }, limiter))
    const limits = limitsOf({ requests_per_day: 50 })
    const verdicts = await Promise.all(
      Array.from({ length: 200 }, (_, k) =>
        edges[k % 4]!.reserve('acme', limits, { id: `r${k}`, audioSeconds: 0 }),
      ),
    )
    expect(verdicts.filter(({ refused }) => refused === null)).toHaveLength(50)
    const last = verdicts.find(({ refused }) => refused !== null)!
    expect(last.refused).toMatchObject({ limit: 'requestsPerDay' })
    expect(last.requests).toMatchObject({ limit: 50, remaining: 0 })
  })

  test('settle what another reserved, and keep tenants apart', async () => {
    const [one, other] = [await limiter(), await limiter()]
    const limits = limitsOf({ audio_seconds_per_day: 100, concurrent_requests: 1 })
    expect((await one.reserve('t', limits, { id: 'a', audioSeconds: 10 })).refused).toBeNull()
    expect((await other.reserve('t', limits, { id: 'b', audioSeconds: 0 })).refused).toMatchObject({
      limit: 'concurrentRequests',
    })
    await other.settle('t', limits, 'a', 60)
    const verdict = await one.reserve('t', limits, { id: 'c', audioSeconds: 0 })
    expect(verdict).toMatchObject({ refused: null, audioSeconds: { limit: 100, remaining: 40 } })
    expect((await one.reserve('u', limits, { id: 'd', audioSeconds: 0 })).audioSeconds).toMatchObject({
      remaining: 100,
    })
  })

  test('leave nothing in Redis for longer than it counts', async () => {
    const edge = await limiter()
    await edge.reserve('short', limitsOf({ requests_per_day: 5 }), { id: 'a', audioSeconds: 0 })
    const left = await inRedis(client => client.pTTL('auricle:usage:short'))
    expect(left).toBeGreaterThan(86_400_000)
    expect(left).toBeLessThanOrEqual(86_400_000 + 15 * 60_000)
  })
})

test('two servers that name the same Redis hold a tenant to its limit together', async () => {
  const worker = await startFakeWorker()
  const servers = await Promise.all(
    [1, 2].map(() =>
      startLocal(
        readConfiguration({
          PORT: '0',
          AURICLE_WORKERS: worker.url,
          AURICLE_LOG_LEVEL: 'silent',
          AURICLE_LIMITS: '{"requests_per_day":6}',
          AURICLE_LIMITS_STORE: redis.url,
        }),
        {},
      ),
    ),
  )
  await Promise.all(servers.map(server => server.ready()))
  const body = JSON.stringify({ model: 'pocket', messages: [{ role: 'user', content: 'Hi' }] })
  const ask = (url: string) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
  // Their connections to Redis are there when they count in it.
  await expect
    .poll(async () => {
      for (const { url } of servers) await (await ask(url)).text()
      return inRedis(client => client.exists('auricle:usage:default'))
    }, patiently)
    .toBe(1)
  const statuses = await Promise.all(
    Array.from({ length: 20 }, async (_, k) => (await ask(servers[k % 2]!.url)).status),
  )
  expect(statuses.filter(status => status === 200).length).toBeLessThanOrEqual(6)
  expect(statuses.filter(status => status === 429).length).toBeGreaterThanOrEqual(14)
  await Promise.all(servers.map(server => server.stop()))
  await worker.stop()
})

test('without Redis an edge counts for itself, says so once, and finds back', async () => {
  const edge = await limiter()
  const limits = limitsOf({ requests_per_day: 2 })
  const ask = async (id: string) => (await edge.reserve('alone', limits, { id, audioSeconds: 0 })).refused
  await redis.stop()
  expect([await ask('a'), await ask('b')]).toEqual([null, null])
  expect(await ask('c')).toMatchObject({ limit: 'requestsPerDay' })
  expect(lost).toHaveLength(1)
  await redis.start()
  await connected(edge)
  expect(await ask('d')).toBeNull()
})

test('a Redis that hangs holds up one request, not all', async () => {
  const edge = await limiter()
  const limits = limitsOf({ requests_per_day: 5 })
  const ask = async (id: string) => (await edge.reserve('slow', limits, { id, audioSeconds: 0 })).refused
  redis.pause()
  try {
    expect(await ask('a')).toBeNull()
    expect(lost).toEqual([expect.stringContaining('did not answer')])
  } finally {
    redis.resume()
  }
})

test('a Redis that was never there is no reason not to start', async () => {
  const edge = new RedisRateLimiter({ url: 'redis://127.0.0.1:1', onLost: error => lost.push(error.message) })
  const verdict = await edge.reserve('x', limitsOf({ requests_per_day: 1 }), { id: 'a', audioSeconds: 0 })
  expect(verdict.refused).toBeNull()
  open.push(edge)
  await expect.poll(() => lost.length).toBe(1)
})
