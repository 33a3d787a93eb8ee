import { describe, expect, test, vi } from 'vitest'
import { createStarter, StarterSettings, startRequest } from './starter.ts'
import { VirtualClock } from './virtual-fleet.ts'

const webhook = StarterSettings.parse({ kind: 'webhook', url: 'https://hook.example/w', models: ['x', 'y'] })

function setUp(answer: () => Response | Promise<Response>) {
  const clock = new VirtualClock()
  const fetch = vi.fn(async (_url: unknown, _init?: RequestInit) => answer())
  return { clock, fetch, starter: createStarter(webhook, { fetch: fetch as typeof globalThis.fetch, clock }) }
}

describe('the request that starts a worker', () => {
  test.each<[string, object, string, Record<string, unknown>]>([
    [
      'a webhook',
      { kind: 'webhook', url: 'https://hook.example/w', token: 't' },
      'https://hook.example/w',
      { method: 'POST', body: '{"event":"worker_needed","model":"x"}' },
    ],
    [
      'a Deployment',
      {
        kind: 'kubernetes',
        url: 'https://k8s/',
        token: 't',
        namespace: 'gpu',
        deployment: 'worker',
        replicas: 2,
      },
      'https://k8s/apis/apps/v1/namespaces/gpu/deployments/worker/scale',
      { method: 'PATCH', body: '{"spec":{"replicas":2}}' },
    ],
    [
      'a pod',
      { kind: 'runpod', token: 't', pod: 'p1' },
      'https://rest.runpod.io/v1/pods/p1/start',
      { method: 'POST' },
    ],
  ])('for %s', (_name, settings, url, init) => {
    const request = startRequest(StarterSettings.parse({ ...settings, models: ['x'] }), 'x')
    expect(request).toMatchObject({ url, init: { ...init, headers: { authorization: 'Bearer t' } } })
  })

  test('for a Modal app', () => {
    const settings = { kind: 'modal', url: 'https://a--b.modal.run', key: 'k', secret: 's', models: ['x'] }
    expect(startRequest(StarterSettings.parse(settings), 'x')).toEqual({
      url: 'https://a--b.modal.run/readyz',
      init: { headers: { 'modal-key': 'k', 'modal-secret': 's' }, redirect: 'manual' },
    })
  })

  test('names that would lead elsewhere are refused', () => {
    const base = { kind: 'kubernetes', url: 'https://k8s', token: 't', models: ['x'] }
    for (const deployment of ['../secrets', 'a/b', '']) {
      expect(StarterSettings.safeParse({ ...base, namespace: 'gpu', deployment }).success).toBe(false)
    }
  })
})

describe('starting', () => {
  test('is called for once in a while a model, however many ask', async () => {
    const { clock, fetch, starter } = setUp(() => new Response('ok'))
    for (let i = 0; i < 20; i++) expect(await starter.start('x')).toBe(true)
    await starter.start('y')
    expect(fetch).toHaveBeenCalledTimes(2)
    clock.advance(15_000)
    await starter.start('x')
    expect(fetch).toHaveBeenCalledTimes(3)
  })

  test('that failed is tried again by the next', async () => {
    const { fetch, starter } = setUp(() => new Response('no', { status: 500 }))
    expect([await starter.start('x'), await starter.start('x')]).toEqual([false, false])
    expect(fetch).toHaveBeenCalledTimes(2)
    fetch.mockRejectedValueOnce(new TypeError('refused'))
    expect(await starter.start('x')).toBe(false)
  })
})
