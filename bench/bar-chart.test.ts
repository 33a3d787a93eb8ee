import { expect, test } from 'vitest'
import { barChart } from './bar-chart.ts'

const bar = { label: 'decode', note: '2 < 3', value: 2, goal: null }

test('a bar goes from 1 to its value, to the right or to the left', () => {
  const rectOf = (value: number) =>
    /<rect x="(\S+)" y="\S+" width="(\S+)"/
      .exec(barChart([{ ...bar, value }], { title: 't' }))!
      .slice(1)
      .map(Number) as [number, number]
  const [better, worse] = [rectOf(2), rectOf(0.5)]
  expect(better[1]).toBeCloseTo(worse[1])
  expect(worse[0] + worse[1]).toBeCloseTo(better[0])
})

test('a goal that is missed shows', () => {
  expect(barChart([{ ...bar, goal: 1.5 }], { title: 't' })).toContain('class="won"')
  expect(barChart([{ ...bar, goal: 4 }], { title: 't' })).toContain('class="lost"')
})

test('text is text, and a value of 0 has no place', () => {
  expect(barChart([bar], { title: 'a & b' })).toContain('2 &lt; 3')
  expect(() => barChart([{ ...bar, value: 0 }], { title: 't' })).toThrow(RangeError)
})
