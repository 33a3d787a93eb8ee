import { expect, it } from 'vitest'
import { FairQueue } from './fair-queue.ts'

function drain(queue: FairQueue<string>): string[] {
  const order: string[] = []
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) order.push(item)
  return order
}

it('lets tenants take turns, whoever has how much', () => {
  const queue = new FairQueue<string>()
  for (const item of ['a1', 'a2', 'a3', 'a4']) queue.push('a', item)
  queue.push('b', 'b1')
  queue.push('c', 'c1')
  queue.push('c', 'c2')
  expect(queue.size).toBe(7)
  expect(drain(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3', 'a4'])
})

it('keeps its order where the next one isn’t accepted', () => {
  const queue = new FairQueue<string>()
  queue.push('a', 'wide')
  queue.push('b', 'narrow')
  expect(queue.shift(item => item === 'narrow')).toBeUndefined()
  expect(drain(queue)).toEqual(['wide', 'narrow'])
})

it('gives back what is taken out', () => {
  const queue = new FairQueue<string>()
  for (const item of ['a1', 'gone', 'a2']) queue.push('a', item)
  queue.push('b', 'gone')
  expect(queue.remove(item => item === 'gone')).toEqual(['gone', 'gone'])
  expect(drain(queue)).toEqual(['a1', 'a2'])
})
