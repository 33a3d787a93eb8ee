import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = new URL('../', import.meta.url)
const page = await readFile(new URL('docs/request-lifecycle.md', root), 'utf8')

test('every file that docs/request-lifecycle.md names is there', () => {
  const named = [...page.matchAll(/`([\w./-]+\.\w+)`/g)].map(match => match[1]!)
  expect(named.length).toBeGreaterThan(30)
  expect(named.filter(path => !existsSync(fileURLToPath(new URL(path, root))))).toEqual([])
})

test('its steps are numbered without a gap, and each begins with its file', () => {
  const steps = [...page.matchAll(/^(\d+)\. (.{0,80})/gm)]
  expect(steps.map(step => Number(step[1]))).toEqual(steps.map((_, index) => index + 1))
  for (const [, , text] of steps) expect(text).toMatch(/^`[\w./-]+\.ts`/)
})
