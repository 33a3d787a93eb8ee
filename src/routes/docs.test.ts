import { expect, test } from 'vitest'
import { createApp } from '../app.ts'
import { Fleet } from '../fleet/fleet.ts'
import { VirtualClock, VirtualFleet } from '../fleet/virtual-fleet.ts'
import { errorCatalogue } from '../protocol/errors.ts'
import { operations } from './operations.ts'

async function load() {
  const workers = new VirtualFleet()
  const fleet = new Fleet({ addresses: workers.addresses, fetch: workers.fetch, clock: new VirtualClock() })
  const response = await createApp({ fleet }).request('/docs')
  return { response, page: await response.text() }
}

test('shows every operation and every error', async () => {
  const { response, page } = await load()
  expect(response.headers.get('content-type')).toContain('text/html')
  for (const { operationId } of operations) expect(page).toContain(`id="${operationId}"`)
  for (const code of Object.keys(errorCatalogue)) expect(page).toContain(`<code>${code}</code>`)
})

test('its links lead somewhere', async () => {
  const { page } = await load()
  const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id!)
  expect(links.length).toBeGreaterThan(operations.length)
  for (const id of new Set(links)) expect(page).toContain(`id="${id}"`)
})

test('runs nothing and loads nothing from elsewhere', async () => {
  const { response, page } = await load()
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'; style-src 'self'")
  expect(page).not.toMatch(/<script|\bon\w+=|(src|href)="(https?:)?\/\/|style="/)
})
