/** The page as Workers serve it: the same files and headers as with `npm start`, and the API beside them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { servePage } from '../../workers/local/page.ts'
import { startWorkerdEdge, type WorkerdEdge } from './workerd-edge.ts'

let edge: WorkerdEdge
beforeAll(async () => {
  edge = await startWorkerdEdge('')
})
afterAll(() => edge.stop())

test.each(['/', '/main.js', '/style.css'])('%s is the same as on Node', async path => {
  const [onWorkerd, onNode] = [await fetch(edge.url + path), await servePage().request(path)]
  expect(onWorkerd.status).toBe(200)
  expect(await onWorkerd.text()).toBe(await onNode.text())
  for (const name of ['content-security-policy', 'permissions-policy', 'cache-control']) {
    expect(onWorkerd.headers.get(name)).toBe(onNode.headers.get(name))
  }
})

test("what isn't the page's is the API's", async () => {
  expect((await fetch(`${edge.url}/healthz`)).status).toBe(200)
  for (const path of ['/turn.test.ts', '/nothing']) {
    const response = await fetch(edge.url + path)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: 'not_found' } })
  }
})
