import { expect, test } from 'vitest'
import { parseList, parseWorkers } from './settings.ts'

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
