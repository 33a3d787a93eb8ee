import { expect, test } from 'vitest'
import { EventStream } from './event-stream.ts'

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of stream) items.push(item)
  return items
}

test('what was written before and while reading arrives in order', async () => {
  const stream = new EventStream<number>()
  stream.push(1)
  const reading = collect(stream)
  stream.push(2)
  await Promise.resolve()
  stream.push(3)
  stream.end()
  stream.push(4)
  expect(await reading).toEqual([1, 2, 3])
})

test('an error comes after what was written before it', async () => {
  const stream = new EventStream<number>()
  stream.push(1)
  stream.fail(new Error('broken'))
  stream.end()
  const items: number[] = []
  await expect(
    (async () => {
      for await (const item of stream) items.push(item)
    })(),
  ).rejects.toThrow('broken')
  expect(items).toEqual([1])
})
