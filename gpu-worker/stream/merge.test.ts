import { describe, expect, it } from 'vitest'
import { merge } from './merge.ts'

async function* counter(name: string, count: number, closed: string[] = []) {
  try {
    for (let k = 0; k < count; k++) {
      await null
      yield `${name}${k}`
    }
  } finally {
    closed.push(name)
  }
}

describe('merge', () => {
  it('gives every value once, each source in its own order', async () => {
    const values = await Array.fromAsync(merge([counter('a', 3), counter('b', 1), counter('c', 0)]))
    expect(values.filter(value => value.startsWith('a'))).toEqual(['a0', 'a1', 'a2'])
    expect(values.toSorted()).toEqual(['a0', 'a1', 'a2', 'b0'])
  })

  it('closes all sources when the consumer stops', async () => {
    const closed: string[] = []
    for await (const _ of merge([counter('a', 9, closed), counter('b', 9, closed)])) break
    expect(closed.toSorted()).toEqual(['a', 'b'])
  })

  it('throws what a source throws, and closes the others', async () => {
    const closed: string[] = []
    async function* failing() {
      yield 'x'
      throw new Error('broken')
    }
    await expect(Array.fromAsync(merge([failing(), counter('a', 9, closed)]))).rejects.toThrow('broken')
    expect(closed).toEqual(['a'])
  })
})
