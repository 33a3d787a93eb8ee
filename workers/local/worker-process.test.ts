import { expect, test } from 'vitest'
import { parseEvent } from './worker-process.ts'

test.each<[string, object | null]>([
  ['{"event":"listening","port":4321}', { event: 'listening', port: 4321 }],
  ['{"event":"failed","message":"no packs"}', { event: 'failed', message: 'no packs' }],
  ['{"event":"ready","models":["pocket"]}', { event: 'ready' }],
  ['{"event":"listening","port":"4321"}', null],
  ['{"event":"listening","port":0}', null],
  ['{"event":"else"}', null],
  ['{"event":"listening"', null],
  ['listening on 4321', null],
])('the event of %s', (line, event) => {
  expect(parseEvent(line)).toEqual(event)
})
