import { describe, expect, test } from 'vitest'
import { createApp } from '../app.ts'
import { Fleet } from '../fleet/fleet.ts'
import { VirtualClock, VirtualFleet } from '../fleet/virtual-fleet.ts'
import { InProcessRateLimiter } from '../limits/rate-limiter.ts'
import { parseLimits } from '../limits/tenant-limits.ts'
import { duration } from './rate-limit.ts'

function setUp(limits: object, chat?: (request: Request) => Promise<Response>) {
  const time = { ms: 0 }
  const workers = new VirtualFleet()
  workers.add('a', chat === undefined ? {} : { chat })
  const fleet = new Fleet({ addresses: workers.addresses, fetch: workers.fetch, clock: new VirtualClock() })
  const limiter = new InProcessRateLimiter(() => time.ms)
  const app = createApp({ fleet, rates: { limiter, limitsOf: parseLimits(JSON.stringify(limits)) } })
  const body = JSON.stringify({ model: 'pocket', messages: [{ role: 'user', content: 'Hi' }] })
  const ask = () =>
    app.request('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': String(body.length) },
      body,
    })
  return { ask, app, time }
}

const usage = (seconds: number) => ({ usage: { audio: [{ seconds_received: seconds }] } })
const events = (...data: object[]) =>
  new Response(
    data
      .map(each => `data: ${JSON.stringify(each)}\n\n`)
      .join('')
      .concat('data: [DONE]\n\n'),
    {
      headers: { 'content-type': 'text/event-stream' },
    },
  )

describe('the middleware', () => {
  test("says how the tenant stands, and with 429 when to come back, in OpenAI's headers", async () => {
    const { ask, time } = setUp({ requests_per_minute: 2 })
    const first = await ask()
    expect(first.status).toBe(200)
    expect(first.headers.get('x-ratelimit-limit-requests')).toBe('2')
    expect(first.headers.get('x-ratelimit-remaining-requests')).toBe('1')
    expect(first.headers.get('x-ratelimit-reset-requests')).toBe('30s')
    await ask()
    const refused = await ask()
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('30')
    expect(refused.headers.get('x-should-retry')).toBe('true')
    expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0')
    expect((await refused.json()).error).toMatchObject({
      type: 'rate_limit_error',
      code: 'rate_limit_exceeded',
    })
    time.ms = 30_000
    expect((await ask()).status).toBe(200)
  })

  test('counts neither reading nor administration', async () => {
    const { app, ask } = setUp({ requests_per_day: 1 })
    for (let i = 0; i < 3; i++) expect((await app.request('/v1/models')).status).toBe(200)
    expect((await ask()).status).toBe(200)
    expect((await ask()).status).toBe(429)
  })

  test.each<[string, () => Response]>([
    ['the usage of a whole answer', () => Response.json(usage(59))],
    ['the usage in a stream', () => events({ choices: [] }, usage(59))],
    ["a transcription's last event", () => events({ type: 'transcript.text.done', usage: { seconds: 59 } })],
    ['the header', () => Response.json({}, { headers: { 'x-auricle-audio-seconds': '59' } })],
  ])('settles the audio by %s', async (_name, answer) => {
    const { ask } = setUp({ audio_seconds_per_minute: 60 }, async () => answer())
    const first = await ask()
    await first.text()
    await Promise.resolve()
    const second = await ask()
    expect(second.headers.get('x-ratelimit-remaining-audio-seconds')).toBe('0')
    await second.text()
    expect((await ask()).status).toBe(429)
  })

  test('a refused or failed request costs no audio', async () => {
    const { ask } = setUp({ audio_seconds_per_minute: 60 }, async () => new Response('x', { status: 500 }))
    await ask()
    expect((await ask()).headers.get('x-ratelimit-remaining-audio-seconds')).toBe('59')
  })

  test('a stream counts as running until it ends or the client leaves', async () => {
    let release = () => {}
    const { ask } = setUp({ concurrent_requests: 1 }, async () => {
      const held = new Promise<void>(resolve => (release = resolve))
      const body = new ReadableStream<Uint8Array>({
        start: controller => controller.enqueue(new TextEncoder().encode('data: {}\n\n')),
        async pull(controller) {
          await held
          controller.enqueue(new TextEncoder().encode('data: [DONE]\n\n'))
          controller.close()
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    })
    const first = await ask()
    expect((await ask()).status).toBe(429)
    release()
    await first.text()
    const second = await ask()
    expect(second.status).toBe(200)
    const leaving = second.body!.cancel()
    release()
    await leaving
    expect((await ask()).status).toBe(200)
  })
})

test.each([
  [0, '0ms'],
  [19.2, '20ms'],
  [1000, '1s'],
  [59_001, '1m0s'],
  [60_000, '1m0s'],
  [360_000, '6m0s'],
  [86_340_000, '23h59m0s'],
  [3_600_000, '1h0m0s'],
])('%d ms are written %s', (milliseconds, text) => {
  expect(duration(milliseconds)).toBe(text)
})
