import { expect, test } from 'vitest'
import { listeningPort } from './worker-process.ts'

test.each<[string, number | null]>([
  ['{"event":"listening","port":4321}', 4321],
  ['{"event":"loading","port":4321}', null],
  ['{"event":"listening","port":"4321"}', null],
  ['{"event":"listening"', null],
  ['listening on 4321', null],
  ['{}', null],
])('listeningPort of %s is %s', (line, port) => {
  expect(listeningPort(line)).toBe(port)
})
