/** The pages that lead through the tree, held against it. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = new URL('../', import.meta.url)
const read = (path: string) => readFile(new URL(path, root), 'utf8')

test.each([
  ['docs/request-lifecycle.md', 30],
  ['docs/reliability.md', 15],
])('every file that %s names is there', async (page, least) => {
  const named = [...(await read(page)).matchAll(/`([\w.-]+\/[\w./-]*\.\w+)`/g)].map(match => match[1]!)
  expect(named.length).toBeGreaterThan(least)
  expect(named.filter(path => !existsSync(fileURLToPath(new URL(path, root))))).toEqual([])
})

test('the steps of docs/request-lifecycle.md are numbered without a gap, and each begins with its file', async () => {
  const steps = [...(await read('docs/request-lifecycle.md')).matchAll(/^(\d+)\. (.{0,80})/gm)]
  expect(steps.map(step => Number(step[1]))).toEqual(steps.map((_, index) => index + 1))
  for (const [, , text] of steps) expect(text).toMatch(/^`[\w./-]+\.ts`/)
})
