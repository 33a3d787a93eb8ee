import { readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'

test('the worker answers, with workers from its variables', async () => {
  const { default: worker } = await import('./main.ts')
  const upstream = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('refused'))
  const context = { waitUntil: vi.fn(), passThroughOnException: vi.fn(), props: {} }
  const response = await worker.fetch(
    new Request('https://edge.example/readyz'),
    { AURICLE_WORKERS: 'http://gpu-1:8081,http://gpu-2:8081' },
    context,
  )
  expect([response.status, (await response.json()).workers]).toEqual([503, { ready: 0, total: 2 }])
  expect(upstream).toHaveBeenCalledTimes(2)
  upstream.mockRestore()
})

test('wrangler.toml names what is there', async () => {
  const toml = await readFile(new URL('../../wrangler.toml', import.meta.url), 'utf8')
  expect(toml).toContain('main = "workers/api/main.ts"')
  expect(toml).toContain('send_metrics = false')
})
