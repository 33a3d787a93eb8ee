import { expect, test } from 'vitest'
import { SerialQueue } from './serial-queue.ts'

test('jobs never overlap and keep their order', async () => {
  const queue = new SerialQueue()
  const log: string[] = []
  const job = (name: string, turns: number) => async () => {
    log.push(`${name} starts`)
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    log.push(`${name} ends`)
    return name
  }
  const results = await Promise.all([queue.run(job('a', 5)), queue.run(job('b', 1)), queue.run(job('c', 3))])
  expect(results).toEqual(['a', 'b', 'c'])
  expect(log).toEqual(['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends'])
})

test('a failing job fails alone', async () => {
  const queue = new SerialQueue()
  const failing = queue.run(() => Promise.reject(new Error('no')))
  const following = queue.run(() => Promise.resolve(1))
  await expect(failing).rejects.toThrow('no')
  await expect(following).resolves.toBe(1)
  await queue.idle()
})
