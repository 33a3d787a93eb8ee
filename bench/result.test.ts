import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import goals from './goals.json' with { type: 'json' }
import { toResultLine } from './result.ts'

const measurement = { bench: 'x', value: 120.123, unit: 'ms', peer: { name: 'other', value: 300 } }

test('a line carries the ratio to the peer and whether the goal is reached', () => {
  expect(toResultLine(measurement, { x: 'ratio <= 0.5' })).toEqual({
    bench: 'x',
    value: 120.1,
    unit: 'ms',
    peer: 'other',
    peerValue: 300,
    ratio: 0.4004,
    goal: 'ratio <= 0.5',
    pass: true,
  })
  expect(toResultLine(measurement, { x: 'ratio >= 2' }).pass).toBe(false)
  expect(toResultLine(measurement, { x: 'value <= 120' }).pass).toBe(false)
  expect(toResultLine(measurement, {})).toMatchObject({ goal: null, pass: null })
})

test('a bench without a peer has no ratio, and a goal of one is a mistake', () => {
  const alone = { ...measurement, peer: null }
  expect(toResultLine(alone, { x: 'value <= 200' })).toMatchObject({
    peer: null,
    peerValue: null,
    ratio: null,
    pass: true,
  })
  expect(() => toResultLine(alone, { x: 'ratio <= 1' })).toThrow(/needs a peer/)
  expect(() => toResultLine(alone, { x: 'faster' })).toThrow(/isn't of the form/)
})

test('every goal belongs to a bench and can be read', () => {
  const names = readdirSync(new URL('./benches', import.meta.url)).map(file => file.replace(/\.ts$/, ''))
  for (const bench of Object.keys(goals)) {
    expect(names).toContain(bench.split('/')[0])
    expect(() => toResultLine({ ...measurement, bench }, goals)).not.toThrow()
  }
})
