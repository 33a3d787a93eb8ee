import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseBeat, signBeat, verifyBeat } from './beat.ts'
import { protocolVersion } from './health.ts'

const body = new TextEncoder().encode('{"a":1}')
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    nonce => nonce,
    error => error.code,
  )

describe('the signature', () => {
  test('is what Node computes for the same words', async () => {
    const header = await signBeat('secret', body, 1_700_000_000_000, 'n1')
    const expected = createHmac('sha256', 'secret').update('1700000000000.n1.{"a":1}').digest('hex')
    expect(header).toBe(`t=1700000000000,n=n1,v1=${expected}`)
  })

  test('holds for body, secret and time, and nothing else', async () => {
    const header = await signBeat('new', body, 1_000_000, 'n1')
    const verify = (secrets: string[], signature: string | null, bytes = body, nowMs = 1_030_000) =>
      codeOf(verifyBeat(secrets, signature, bytes, nowMs))
    expect(await verify(['new'], header)).toBe('n1')
    expect(await verify(['old', 'new'], header)).toBe('n1')
    const wrong = [
      verify(['old'], header),
      verify([], header),
      verify(['new'], null),
      verify(['new'], header.replace('n=n1', 'n=n2')),
      verify(['new'], header.replace('t=1000000', 't=1000001')),
      verify(['new'], header.slice(0, -1) + (header.endsWith('0') ? '1' : '0')),
      verify(['new'], header, new TextEncoder().encode('{"a":2}')),
      verify(['new'], header, body, 1_061_000),
      verify(['new'], header, body, 930_000),
    ]
    expect(new Set(await Promise.all(wrong))).toEqual(new Set(['invalid_signature']))
  })
})

describe('parseBeat', () => {
  const good = {
    worker: { id: 'gpu-1', url: 'http://10.0.0.7:8081/' },
    status: 'ready',
    protocol_version: protocolVersion,
    models: ['pocket'],
    load: { running: 0, waiting: 0, slots: 8 },
  }

  test('takes what a worker of ours says, and of any other only where it is', () => {
    expect(parseBeat(good)).toMatchObject({ worker: { url: 'http://10.0.0.7:8081' }, status: 'ready' })
    const foreign = { ...good, protocol_version: protocolVersion + 1, status: 'something new', load: 7 }
    expect(parseBeat(foreign)).toEqual({
      worker: { id: 'gpu-1', url: 'http://10.0.0.7:8081' },
      protocol_version: protocolVersion + 1,
    })
  })

  test.each([
    null,
    {},
    { ...good, worker: { id: 'gpu 1', url: 'http://a' } },
    { ...good, worker: { id: 'gpu-1', url: 'file:///etc/passwd' } },
    { ...good, load: { running: -1, waiting: 0, slots: 1 } },
    { ...good, protocol_version: '1' },
  ])('refuses %j', value => {
    expect(() => parseBeat(value)).toThrow('Invalid beat')
  })
})
