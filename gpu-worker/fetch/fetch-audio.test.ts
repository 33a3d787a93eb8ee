import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type AddressPolicy, isAllowedAddress, isAllowedHost, parsePolicy } from './address-policy.ts'
import { type FetchAudioOptions, fetchAudio, type ResolvedAddress } from './fetch-audio.ts'

// Many cases a test, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const publicOnly = parsePolicy('public')!
/** As `publicOnly`, but this machine may be reached, by IPv4: so that something can be fetched in a test. */
const withLoopback = parsePolicy('public', '', '127.0.0.1/32')!

let server: Server
let port: number
/** Connections that were made, whatever came of them. */
let connections = 0
let answer: (request: IncomingMessage, response: ServerResponse) => void

beforeAll(async () => {
  server = createServer((request, response) => answer(request, response))
  server.on('connection', () => connections++)
  // Every address of this machine, so that no form of it is missed.
  await new Promise<void>(resolve => server.listen(0, '::', resolve)).catch(() => {})
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  connections = 0
  answer = (_request, response) => response.writeHead(200, { 'content-type': 'audio/wav' }).end('RIFF')
})

const v4 = (address: string): ResolvedAddress => ({ address, family: 4 })
const v6 = (address: string): ResolvedAddress => ({ address, family: 6 })

function get(url: string, options: Partial<FetchAudioOptions> = {}) {
  return fetchAudio(url, {
    policy: publicOnly,
    maxBytes: 1000,
    timeoutMs: 5_000,
    signal: new AbortController().signal,
    param: 'messages[0]',
    resolve: async () => [v4('127.0.0.1')],
    ...options,
  })
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fetched',
    error => error.code ?? error,
  )

describe('a URL that leads inside is refused, and nothing is connected to', () => {
  /** P is the canary's port. */
  const vectors = [
    'http://127.0.0.1:P/',
    'http://127.1:P/',
    'http://127.0.1:P/',
    'http://2130706433:P/',
    'http://0x7f000001:P/',
    'http://0x7f.0.0.1:P/',
    'http://0x7F.0x0.0x0.0x1:P/',
    'http://0177.0.0.1:P/',
    'http://017700000001:P/',
    'http://127.0.0.1.:P/',
    'http://127.255.255.254:P/',
    'http://0.0.0.0:P/',
    'http://0:P/',
    'http://0.1.2.3:P/',
    'http://[::1]:P/',
    'http://[::]:P/',
    'http://[0:0:0:0:0:0:0:1]:P/',
    'http://[::ffff:127.0.0.1]:P/',
    'http://[::ffff:7f00:1]:P/',
    'http://[::ffff:0:127.0.0.1]:P/',
    'http://[::127.0.0.1]:P/',
    'http://[64:ff9b::127.0.0.1]:P/',
    'http://[64:ff9b:1::7f00:1]:P/',
    'http://[2002:7f00:1::]:P/',
    'http://[2001:0:7f00:1::]:P/',
    'http://[fe80::1]:P/',
    'http://[fec0::1]:P/',
    'http://[fc00::1]:P/',
    'http://[fd00:ec2::254]:P/latest/meta-data/',
    'http://[ff02::1]:P/',
    'http://[2001:db8::1]:P/',
    'http://[100::1]:P/',
    'http://[4000::1]:P/',
    'http://169.254.169.254/latest/meta-data/',
    'http://0xa9fea9fe/latest/meta-data/',
    'http://2852039166/',
    'http://169.254.170.2/v2/credentials',
    'http://168.63.129.16/metadata',
    'http://100.100.100.200/latest/meta-data/',
    'http://192.0.0.192/opc/v2/',
    'http://10.0.0.1:P/',
    'http://172.16.0.1:P/',
    'http://172.31.255.255:P/',
    'http://192.168.0.1:P/',
    'http://100.64.0.1:P/',
    'http://198.18.0.1:P/',
    'http://203.0.113.1:P/',
    'http://224.0.0.1:P/',
    'http://240.0.0.1:P/',
    'http://255.255.255.255:P/',
    'http://localhost:P/',
    'http://LOCALHOST:P/',
    'http://localhost.:P/',
    'http://name-that-resolves-inside.example:P/',
    'http://①②⑦.⓪.⓪.①:P/',
    'http://127。0。0。1:P/',
    'http://%31%32%37.0.0.1:P/',
    'http://user@127.0.0.1:P/',
    'http://user:password@example.com:P/',
    'http://example.com:P\\@127.0.0.1/',
    'http://127.0.0.1:P\\@example.com/',
    'http://example.com@127.0.0.1:P/',
    'http:\\\\127.0.0.1:P\\',
    'http:127.0.0.1:P',
    'http:///127.0.0.1:P/',
    ' http://127.0.0.1:P/',
    'http://127.0.0.1\t:P/',
    'ht\ntp://127.0.0.1:P/',
    'http://127.0.0.1:P#@example.com/',
    'http://127.0.0.1:P?@example.com/',
    'http://127.0.0.1:22/',
    'http://example.com:25/',
    'https://example.com:6/',
    'file:///etc/passwd',
    'ftp://127.0.0.1:P/',
    'gopher://127.0.0.1:P/',
    'unix:/var/run/docker.sock',
    '//127.0.0.1:P/',
    '127.0.0.1:P',
    'http://',
    'http://[::1',
    '',
  ]
  test.each(vectors)('%j', async vector => {
    expect(await codeOf(get(vector.replace('P', String(port))))).toBe('audio_url_refused')
    expect(connections).toBe(0)
  })

  test('there are more than sixty', () => expect(vectors.length).toBeGreaterThan(60))

  test.each<[string, ResolvedAddress[]]>([
    ['none', []],
    ['one inside beside public ones', [v4('8.8.8.8'), v4('127.0.0.1'), v6('2606:4700::1111')]],
    ['a mapped one', [v6('::ffff:127.0.0.1')]],
    ['something that is no address', [v4('127.0.0.1 ')]],
    ['a zone', [v6('fe80::1%lo')]],
  ])('a name with addresses: %s', async (_name, addresses) => {
    const code = await codeOf(get(`http://name.example:${port}/`, { resolve: async () => addresses }))
    expect([code, connections]).toEqual(['audio_url_refused', 0])
  })

  test('any text at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.webUrl(), fc.ipV4(), fc.ipV6(), fc.string()), async text => {
        const url = text.replace(/^(https?:\/\/)?/, 'http://')
        // Whoever asked has left already: what would be dialled, a public address in the URL itself, isn't.
        const left = { resolve: async () => [v4('10.0.0.1')], signal: AbortSignal.abort() }
        expect(['audio_url_refused', 'request_cancelled']).toContain(await codeOf(get(url, left)))
        expect(connections).toBe(0)
      }),
      { numRuns: 300 },
    )
  })
})

describe('what is allowed is dialled as it was checked', () => {
  const resolve = async () => [v4('127.0.0.1')]
  const options = { policy: withLoopback, resolve }

  test('and gives the file', async () => {
    const seen: IncomingMessage['headers'][] = []
    answer = (request, response) => {
      seen.push(request.headers)
      response.writeHead(200, { 'content-type': 'audio/wav' }).end('RIFF')
    }
    expect(Buffer.from(await get(`http://audio.example:${port}/a.wav`, options)).toString()).toBe('RIFF')
    expect(seen[0]).toMatchObject({ host: `audio.example:${port}`, 'accept-encoding': 'identity' })
    expect(seen[0]).not.toHaveProperty('authorization')
    expect(seen[0]).not.toHaveProperty('cookie')
  })

  test('a name whose answer flips is asked once', async () => {
    const answers = [[v4('127.0.0.1')], [v4('127.0.0.2')]]
    const asked = vi.fn(async () => answers.shift()!)
    await get(`http://flips.example:${port}/`, { ...options, resolve: asked })
    expect([asked.mock.calls.length, connections]).toEqual([1, 1])
  })

  test.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://127.0.0.2:P/',
    'http://[::1]:P/',
    'http://user@127.0.0.1:P/',
    'file:///etc/passwd',
    '//10.0.0.1/',
    'http://inside.example:P/',
    '',
  ])('a redirect to %j is refused', async location => {
    answer = (_request, response) =>
      response.writeHead(302, { location: location.replace('P', String(port)) }).end()
    const names = async (host: string) => (host === 'inside.example' ? [v4('10.0.0.1')] : [v4('127.0.0.1')])
    const code = await codeOf(get(`http://audio.example:${port}/`, { ...options, resolve: names }))
    // An empty location is the page itself: it goes round in a circle until that is too often.
    expect(code).toBe(location === '' ? 'audio_url_failed' : 'audio_url_refused')
    expect(connections).toBe(location === '' ? 6 : 1)
  })

  test('a redirect to another path is followed', async () => {
    answer = (request, response) => {
      if (request.url === '/b') response.writeHead(200, { 'content-type': 'audio/wav' }).end('here')
      else response.writeHead(307, { location: '/b' }).end()
    }
    expect(Buffer.from(await get(`http://audio.example:${port}/a`, options)).toString()).toBe('here')
  })

  test.each<[string, (response: ServerResponse) => void, string]>([
    ['too long, as declared', r => r.writeHead(200, { 'content-length': '1001' }).end(), 'payload_too_large'],
    ['too long, undeclared', r => r.end('x'.repeat(1001)), 'payload_too_large'],
    [
      'a page',
      r => r.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(),
      'audio_url_failed',
    ],
    ['JSON', r => r.writeHead(200, { 'content-type': 'application/json' }).end('{}'), 'audio_url_failed'],
    ['compressed', r => r.writeHead(200, { 'content-encoding': 'gzip' }).end(), 'audio_url_failed'],
    ['an error', r => r.writeHead(404).end(), 'audio_url_failed'],
    [
      'broken off',
      r => r.writeHead(200, { 'content-length': '9' }).write('x', () => r.destroy()),
      'audio_url_failed',
    ],
  ])('an answer that is %s fails', async (_name, respond, code) => {
    answer = (_request, response) => respond(response)
    expect(await codeOf(get(`http://audio.example:${port}/`, options))).toBe(code)
  })

  test('a server that drips is given up', async () => {
    answer = (_request, response) => {
      response.write('x')
    }
    const late = get(`http://audio.example:${port}/`, { ...options, timeoutMs: 200 })
    await expect(late).rejects.toMatchObject({
      code: 'audio_url_failed',
      message: expect.stringContaining('0.2 s'),
    })
  })

  test('a caller who leaves ends it, also while the name is looked up', async () => {
    const leaving = new AbortController()
    const never = get(`http://audio.example:${port}/`, {
      ...options,
      signal: leaving.signal,
      resolve: () => new Promise(() => {}),
    })
    leaving.abort()
    expect(await codeOf(never)).toBe('request_cancelled')
  })

  test('an error tells nothing of the network', async () => {
    const closed = get('http://audio.example:1024/', options)
    await expect(closed).rejects.not.toThrow(/ECONN|127\.0|1024/)
  })
})

describe('the policy', () => {
  const policy = (...settings: [string, string?, string?]): AddressPolicy => parsePolicy(...settings)!

  test('names hosts, all beneath one, and exceptions', () => {
    const some = policy('audio.example, *.cdn.example', 'bad.cdn.example')
    for (const host of ['audio.example', 'a.cdn.example', 'a.b.cdn.example', 'audio.example.']) {
      expect(isAllowedHost(host, some)).toBe(true)
    }
    for (const host of [
      'example',
      'xaudio.example',
      'cdn.example',
      'audio.example.evil',
      'bad.cdn.example',
    ]) {
      expect(isAllowedHost(host, some)).toBe(false)
    }
  })

  test('a host that is allowed may still not lead inside, unless its network is allowed', async () => {
    const url = `http://audio.example:${port}/`
    expect(await codeOf(get(url, { policy: policy('audio.example') }))).toBe('audio_url_refused')
    expect(await codeOf(get(url, { policy: policy('audio.example', '', '127.0.0.0/8') }))).toBe('fetched')
    expect(await codeOf(get(url, { policy: policy('other.example', '', '127.0.0.0/8') }))).toBe(
      'audio_url_refused',
    )
    expect(await codeOf(get(url, { policy: policy('public', '127.0.0.1/32', '127.0.0.0/8') }))).toBe(
      'audio_url_refused',
    )
  })

  test('off is off', () => expect(parsePolicy('off')).toBeNull())

  test.each([
    ['a/b', '', ''],
    ['public', 'a b', ''],
    ['public', '', '10.0.0.0'],
    ['public', '1.2.3.4/99', ''],
  ])('%s, %s, %s is refused', (...settings) => {
    expect(() => parsePolicy(...(settings as [string, string, string]))).toThrow(TypeError)
  })

  test.each(['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111', '2a00:1450:4001::1'])('%s is public', address => {
    expect(isAllowedAddress(address, publicOnly)).toBe(true)
  })

  test('no address of a private network passes, however it is written into IPv6', () => {
    const inside = fc
      .oneof(
        fc.tuple(fc.constant(10), fc.nat(255), fc.nat(255), fc.nat(255)),
        fc.tuple(fc.constant(127), fc.nat(255), fc.nat(255), fc.nat(255)),
        fc.tuple(fc.constant(192), fc.constant(168), fc.nat(255), fc.nat(255)),
        fc.tuple(fc.constant(169), fc.constant(254), fc.nat(255), fc.nat(255)),
      )
      .map(octets => octets.join('.'))
    fc.assert(
      fc.property(
        inside,
        fc.constantFrom('', '::', '::ffff:', '::ffff:0:', '64:ff9b::', '64:ff9b:1::'),
        (v4, prefix) => {
          expect(isAllowedAddress(prefix + v4, publicOnly)).toBe(false)
        },
      ),
    )
  })
})
