import { expect, test } from 'vitest'
import { audioFormats } from '../src/protocol/audio-source.ts'
import { clockOf, formatOf, peaksOf } from './clip.js'

test('peaks: the largest absolute sample of each bucket, every sample in exactly one', () => {
  expect([...peaksOf(Float32Array.of(0.25, -0.5, 0, 1, -0.75), 2)]).toEqual([0.5, 1])
  expect([...peaksOf(Float32Array.of(0.5, -0.25), 8)]).toEqual([0.5, 0.25])
  expect([...peaksOf(new Float32Array(0), 8)]).toEqual([])
})

test('format: a name that the wire has, by the ending of the name, else by the type', () => {
  expect(formatOf('A call.MP3', '')).toBe('mp3')
  expect(formatOf('x.oga', 'audio/ogg')).toBe('oga')
  expect(formatOf('blob', 'audio/webm;codecs=opus')).toBe('webm')
  expect(formatOf('no ending', 'audio/mpeg')).toBe('mpeg')
  expect(formatOf('strange.name', 'audio/x-wav')).toBe('wav')
  expect(formatOf('clip.xyz', '')).toBe(null)
})

test('the formats are those that the server takes', () => {
  for (const format of audioFormats) expect(formatOf(`clip.${format}`, '')).toBe(format)
})

test('clock', () => {
  expect([0, 7.9, 60, 754].map(clockOf)).toEqual(['0:00', '0:07', '1:00', '12:34'])
})
