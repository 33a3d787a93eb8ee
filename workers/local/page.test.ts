import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { servePage } from './page.ts'

let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'auricle-page-'))
  await writeFile(join(root, 'index.html'), '<!doctype html><title>Auricle</title>')
  await writeFile(join(root, 'main.js'), 'export {}')
})
afterAll(() => rm(root, { recursive: true }))

test('serves the page at / and its files, with headers of its own', async () => {
  const page = servePage(root)
  const index = await page.request('/')
  expect(index.headers.get('content-type')).toContain('text/html')
  expect(index.headers.get('content-security-policy')).toContain("default-src 'self'")
  expect((await page.request('/main.js')).headers.get('content-type')).toContain('javascript')
})

test.each(['/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '/%00', '/nothing'])(
  'serves nothing at %s',
  async path => {
    expect((await servePage(root).request(path)).status).toBe(404)
  },
)
