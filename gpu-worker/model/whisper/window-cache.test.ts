import { describe, expect, it } from 'vitest'
import { tensor } from '../../runtime/tensor.ts'
import { CachedEncoder, WindowCache } from './window-cache.ts'

/** An encoder that counts: one feature a sample, four bytes. */
function countingEncoder() {
  const seen: number[] = []
  const encode = async (samples: Float32Array) => {
    seen.push(samples.length)
    return {
      positions: samples.length,
      features: tensor('float32', samples.slice(), [samples.length]),
      cross: {},
    }
  }
  return { seen, encode }
}

const who = (tenant = 'a') => ({ tenant, signal: new AbortController().signal })

describe('the windows of an encoder', () => {
  it('are encoded once a content, a tenant and a model', async () => {
    const cache = new WindowCache(1000)
    const encoder = countingEncoder()
    const cached = new CachedEncoder(encoder, 'model', cache)
    const window = Float32Array.of(1, 2, 3)
    const first = await cached.encode(window, who())
    expect(await cached.encode(Float32Array.of(9, 1, 2, 3).subarray(1), who())).toBe(first)
    expect(encoder.seen).toEqual([3])
    await cached.encode(Float32Array.of(1, 2, 4), who())
    await cached.encode(window, who('b'))
    await new CachedEncoder(encoder, 'other model', cache).encode(window, who())
    expect(encoder.seen).toEqual([3, 3, 3, 3])
    expect(cache.stats()).toEqual({ entries: 4, bytes: 48, maxBytes: 1000, hits: 1, misses: 4 })
  })

  it('leave when the bytes are full, the one used longest ago first', async () => {
    const cache = new WindowCache(24)
    const encoder = countingEncoder()
    const cached = new CachedEncoder(encoder, 'model', cache)
    const [one, two, three] = [Float32Array.of(1, 1, 1), Float32Array.of(2, 2, 2), Float32Array.of(3, 3, 3)]
    for (const window of [one!, two!, one!, three!, one!]) await cached.encode(window, who())
    expect(encoder.seen).toHaveLength(3)
    await cached.encode(two!, who())
    expect(encoder.seen).toHaveLength(4)
    expect(cache.stats().bytes).toBeLessThanOrEqual(24)
  })

  it('are not kept at all where there is no room', async () => {
    const encoder = countingEncoder()
    const cached = new CachedEncoder(encoder, 'model', new WindowCache(0))
    await cached.encode(Float32Array.of(1), who())
    await cached.encode(Float32Array.of(1), who())
    expect(encoder.seen).toHaveLength(2)
  })
})
