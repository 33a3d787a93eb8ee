import { expect, test } from 'vitest'
import { isLoopback, parseList, parseWorkers } from './settings.ts'

test('parseList drops blanks', () => {
  expect(parseList(' a, b,,c ,')).toEqual(['a', 'b', 'c'])
  expect(parseList('')).toEqual([])
})

test('parseWorkers takes http and https URLs only', () => {
  expect(parseWorkers('http://127.0.0.1:8081/, https://gpu.example')).toEqual([
    { id: 'http://127.0.0.1:8081', url: 'http://127.0.0.1:8081' },
    { id: 'https://gpu.example', url: 'https://gpu.example' },
  ])
  expect(() => parseWorkers('gpu:8081')).toThrow(/'gpu:8081' is not/)
})

test('isLoopback', () => {
  for (const host of ['localhost', '127.0.0.1', '127.8.9.1', '::1']) expect(isLoopback(host)).toBe(true)
  for (const host of ['', '128.0.0.1', '127.0.0.1.evil', '::']) expect(isLoopback(host)).toBe(false)
})
