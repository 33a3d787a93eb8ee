import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { roundedWeights } from './rounded-weights.ts'

const { layout, files: encoded } = JSON.parse(
  await readFile(new URL('./goldens/rounded-weights.json', import.meta.url), 'utf8'),
)
const golden = (name: string) => new Uint8Array(Buffer.from(encoded[name], 'base64'))
let folder = ''
const inFolder = (file: string) => join(folder, file)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rounded-'))
  for (const name of ['blocks.bin', 'smoothing.bin']) await writeFile(inFolder(name), golden(name))
})
afterAll(() => rm(folder, { recursive: true }))

test('the bytes are those that the export computes with', async () => {
  const files = await roundedWeights(layout, inFolder)
  expect(files.get('rounded.bin')).toEqual(golden('rounded.bin'))
  expect(files.get('smoothing.bin')).toEqual(golden('smoothing.bin'))
})

test('of the pack\u2019s files all is there that was not rounded', async () => {
  const files = await roundedWeights(layout, inFolder)
  const expected = golden('blocks.bin')
  for (const { weight, scales, inputs, outputs } of layout.matrices) {
    expected.fill(0, weight, weight + inputs * outputs)
    expected.fill(0, scales, scales + (2 * inputs * outputs) / layout.block_size)
  }
  expect(files.get('blocks.bin')).toEqual(expected)
  expect(Buffer.from(expected).toString('latin1')).toMatch(/^before.*gap.*behind.*gap.*behind$/s)
})

test('a file that is cut off is refused', async () => {
  const [first] = layout.matrices
  const far = { ...layout, matrices: [{ ...first, weight: 10_000 }] }
  await expect(roundedWeights(far, inFolder)).rejects.toThrow(RangeError)
  const more = { ...layout, matrices: [...layout.matrices, first] }
  await expect(roundedWeights(more, inFolder)).rejects.toThrow(/smoothing\.bin/)
})
