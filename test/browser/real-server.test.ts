/** The page before the real server: edge, worker and the committed weights behind it. */
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfiguration } from '../../workers/local/configuration.ts'
import { type LocalServer, startLocal } from '../../workers/local/start-local.ts'
import { launchChromium } from './chromium.ts'

const SPEECH = fileURLToPath(new URL('../../web/samples/inaugural.wav', import.meta.url))

let browser: Browser
let page: Page
let server: LocalServer
const refused: string[] = []

beforeAll(async () => {
  const environment = { ...process.env, PORT: '0' }
  ;[browser, server] = await Promise.all([
    launchChromium(),
    startLocal(readConfiguration(environment), environment),
  ])
  await server.ready()
  page = await browser.newPage()
  // What the server's Content-Security-Policy keeps the page from doing would be said here.
  page.on('console', message => {
    if (/Content.Security.Policy/i.test(message.text())) refused.push(message.text())
  })
  page.on('pageerror', error => refused.push(error.message))
})
afterAll(async () => {
  await browser.close()
  await server.stop()
})

test('hears a recording, answers in the page, and says what it took', async () => {
  await page.goto(server.url)
  await page.locator('#send:not([disabled])').waitFor()
  await page.setInputFiles('#file', SPEECH)
  await page.locator('#clip-name', { hasText: 'inaugural.wav' }).waitFor()
  await page.fill('#question', 'Transcribe the audio.')
  await page.click('#send')
  await page.locator('.facts').waitFor({ timeout: 100_000 })
  expect(await page.locator('.answer-text').textContent()).toMatch(
    /ask not what your country can do for you/i,
  )
  const facts = await page.locator('.facts').textContent()
  expect(facts).toMatch(/^11\.0 sheard\d+audio tokens[\d.]+ m?sto first token[\d.]+tokens\/s$/)
  expect(refused).toEqual([])
})

test('a follow-up names the recording by its id, and the server still knows it', async () => {
  const sent = page.waitForRequest(request => request.url().endsWith('/v1/chat/completions'))
  await page.fill('#question', 'Transcribe the audio.')
  await page.click('#send')
  expect((await sent).postData()).toMatch(/"audio:[0-9a-f]{64}"/)
  await page.locator('.facts').nth(1).waitFor({ timeout: 100_000 })
  expect(await page.locator('.answer-text').nth(1).textContent()).toMatch(/your country/i)
  expect(await page.locator('[role=alert]').count()).toBe(0)
})

test('what the server cannot read is said in its words', async () => {
  await page.setInputFiles('#file', {
    name: 'notes.mp3',
    mimeType: 'audio/mpeg',
    buffer: Buffer.from('hello'),
  })
  await page.locator('#clip-name', { hasText: 'notes.mp3' }).waitFor()
  await page.fill('#question', 'What is it?')
  await page.click('#send')
  const alert = page.locator('[role=alert]')
  await alert.waitFor()
  expect(await alert.textContent()).toContain('audio_unreadable')
})
