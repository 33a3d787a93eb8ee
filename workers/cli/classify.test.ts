import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Classification } from '../../src/protocol/classifications.ts'
import { classify } from './classify.ts'
import { UsageError } from './usage-error.ts'

const result = { index: 0, margin: 1, logprob: -1, prior_logprob: -3 }
const answer: Classification = {
  id: 'clsf-1',
  object: 'audio.classification',
  created: 0,
  model: 'pocket',
  label: 'dog',
  labels: ['dog'],
  none_of_these: 0.125,
  results: [
    { label: 'dog', score: 0.75, ...result },
    { label: 'cat', score: 0.125, ...result },
  ],
  usage: {
    prompt_tokens: 1,
    completion_tokens: 1,
    total_tokens: 2,
    prompt_tokens_details: { audio_tokens: 1, cached_tokens: 0 },
    audio: [],
  },
}

let folder: string
let path: string
let written: string[]
const sent: FormData[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auricle-classify-'))
  path = join(folder, 'a.wav')
  await writeFile(path, 'RIFF')
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(() => {
  written = []
  sent.length = 0
  vi.spyOn(console, 'log').mockImplementation(text => written.push(text))
  vi.stubGlobal('fetch', async (_url: URL, init: { body: FormData }) => {
    sent.push(init.body)
    return Response.json(answer)
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

test('prints the labels with their scores, and a star at what fits', async () => {
  await classify([path, '--labels', 'dog,cat', '--top-k', '2', '--multi-label'])
  expect(written).toEqual(['0.750  dog  *\n0.125  cat\n0.125  (none of these)'])
  expect([...sent[0]!].filter(([name]) => name !== 'file')).toEqual([
    ['model', 'pocket'],
    ['labels[]', 'dog'],
    ['labels[]', 'cat'],
    ['top_k', '2'],
    ['multi_label', 'true'],
  ])
})

test('prints the whole answer as JSON', async () => {
  await classify([path, '--taxonomy', 'digits', '--json'])
  expect(JSON.parse(written[0]!)).toEqual(answer)
  expect(sent[0]!.get('taxonomy')).toBe('digits')
})

test('wants labels or a taxonomy, and one file', async () => {
  await expect(classify([path])).rejects.toThrow(UsageError)
  await expect(classify([path, '--labels', 'a,b', '--taxonomy', 'digits'])).rejects.toThrow(UsageError)
  await expect(classify(['--labels', 'a,b'])).rejects.toThrow(UsageError)
})
