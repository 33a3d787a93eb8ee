/** A request's answer doesn't depend on who else is asking, nor on what was asked before. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { askAbout } from '../support/chat.ts'
import { type RunningProcess, startWorker } from '../support/start-process.ts'

const folder = new URL('../fixtures/spoken-messages/', import.meta.url)
const messages = (
  JSON.parse(readFileSync(new URL('manifest.json', folder), 'utf8')) as { file: string; question: string }[]
).slice(0, 16)

let worker: RunningProcess
beforeAll(async () => {
  worker = await startWorker()
})
afterAll(() => worker.stop())

const answer = async ({ file, question }: (typeof messages)[number]) =>
  (await askAbout(worker.baseUrl, new URL(file, folder), question)).text

it('is the same alone, again, and in a full batch', async () => {
  const alone: string[] = []
  for (const message of messages) alone.push(await answer(message))
  const again: string[] = []
  for (const message of messages.toReversed()) again.unshift(await answer(message))
  expect(again).toEqual(alone)
  expect(await Promise.all(messages.map(answer))).toEqual(alone)
})
