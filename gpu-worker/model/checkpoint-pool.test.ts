import { expect, test } from 'vitest'
import { CheckpointPool } from './checkpoint-pool.ts'

function setUp(most: number) {
  const loaded: string[] = []
  const unloaded: string[] = []
  const pool = new CheckpointPool({
    most,
    async load(name) {
      await Promise.resolve()
      if (name === 'broken') throw new Error('a file is missing')
      loaded.push(name)
      return { name }
    },
    async unload({ name }) {
      unloaded.push(name)
    },
  })
  const use = async (name: string) => (await pool.hold(name))[Symbol.dispose]()
  return { pool, loaded, unloaded, use }
}

test('one that was loaded is not loaded again, and the one that was used longest ago goes', async () => {
  const { pool, loaded, unloaded, use } = setUp(2)
  for (const name of ['a', 'b', 'a', 'c', 'a', 'c']) await use(name)
  expect([loaded, unloaded]).toEqual([['a', 'b', 'c'], ['b']])
  await use('b')
  expect(loaded).toEqual(['a', 'b', 'c', 'b'])
  expect(pool.names).toEqual(['c', 'b'])
})

test('one that is held stays, however many are asked for, and goes when it is let go', async () => {
  const { pool, unloaded } = setUp(1)
  const [a, b] = await Promise.all([pool.hold('a'), pool.hold('b')])
  expect([pool.get('a'), pool.get('b'), unloaded]).toEqual([{ name: 'a' }, { name: 'b' }, []])
  a[Symbol.dispose]()
  a[Symbol.dispose]()
  expect([pool.names, unloaded]).toEqual([['b'], ['a']])
  expect(() => pool.get('a')).toThrow("'a' is not loaded")
  b[Symbol.dispose]()
  expect(pool.names).toEqual(['b'])
})

test('who asks at once waits for the same, and a failure is not kept', async () => {
  const { pool, loaded } = setUp(2)
  const held = await Promise.all([pool.hold('a'), pool.hold('a')])
  expect(held[0].value).toBe(held[1].value)
  expect(loaded).toEqual(['a'])
  await expect(pool.hold('broken')).rejects.toThrow('a file is missing')
  expect(pool.names).toEqual(['a'])
})

test('closing unloads all', async () => {
  const { pool, unloaded, use } = setUp(3)
  await use('a')
  await use('b')
  await pool.close()
  expect(unloaded).toEqual(['a', 'b'])
})
