/** The SDK's examples, over the built package, with the real server: in Chromium. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfiguration } from '../../workers/local/configuration.ts'
import { type LocalServer, startLocal } from '../../workers/local/start-local.ts'
import { bundleExamples, printed } from '../support/sdk-examples.ts'
import { launchChromium } from './chromium.ts'

const build = fileURLToPath(new URL('../../build/', import.meta.url))
let browser: Browser
let page: Page
let server: LocalServer
let scratch: string

beforeAll(async () => {
  await mkdir(build, { recursive: true })
  scratch = await mkdtemp(`${build}sdk-examples-`)
  const environment = { ...process.env, PORT: '0' }
  ;[browser, server] = await Promise.all([
    launchChromium(),
    startLocal(readConfiguration(environment), environment),
  ])
  await server.ready()
  // The page's own policy lets only its own scripts run.
  page = await (await browser.newContext({ bypassCSP: true })).newPage()
  await page.goto(server.url)
  const script = await readFile(await bundleExamples(scratch), 'utf8')
  await page.addScriptTag({ type: 'module', content: script })
  await page.waitForFunction('globalThis.runExample !== undefined')
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
  await rm(scratch, { recursive: true })
})

test.each(printed)('%s', async (name, expected) => {
  expect(await page.evaluate(`runExample('${name}', '${server.url}')`)).toMatch(expected)
})
