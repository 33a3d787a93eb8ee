import { expect, test } from 'vitest'
import { releasePages } from './memory-pages.ts'

test.runIf(process.platform === 'linux')(
  'whole pages inside the range read as zeros afterwards; all else keeps its values',
  () => {
    const array = new Float32Array(1024 * 1024).fill(1)
    const [first, end] = [1000, 1_000_000]
    expect(releasePages(array.subarray(first, end))).toBe(true)
    const zeros = array.reduce((count, value) => count + (value === 0 ? 1 : 0), 0)
    expect(zeros % 1024).toBe(0)
    // All but a part of a page at either end.
    expect(zeros).toBeGreaterThan(end - first - 2 * 1024)
    expect(array.subarray(0, first).every(value => value === 1)).toBe(true)
    expect(array.subarray(end).every(value => value === 1)).toBe(true)
    array.fill(2)
    expect(array.every(value => value === 2)).toBe(true)
  },
)

test('a range without a whole page is left alone', () => {
  const array = new Float32Array(2048).fill(1)
  expect(releasePages(array.subarray(1, 1000))).toBe(false)
  expect(array.every(value => value === 1)).toBe(true)
})
