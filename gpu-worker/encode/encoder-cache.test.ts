import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HeardWindow } from '../model/chat-model.ts'
import { tensor } from '../runtime/tensor.ts'
import { DiskTier } from './disk-tier.ts'
import { EncoderCache } from './encoder-cache.ts'

const SPEECH = {
  steps: [{ ids: [5, 6], probabilities: [0.75, 0.125] }],
  text: ' Hello.',
  noSpeechProbability: 0.001,
  meanLogprob: -0.25,
  isLoop: false,
  unbiasedText: null,
}

/** A model that counts: its features are the samples, its embeddings the features. */
function countingModel(hearingIdentity = 'hearing') {
  const heard: number[] = []
  const projected: string[] = []
  return {
    heard,
    projected,
    hearingIdentity,
    projectionIdentity: (checkpoint: string) => `${hearingIdentity}-${checkpoint}`,
    async hearAudio(samples: Float32Array): Promise<HeardWindow[]> {
      heard.push(samples.length)
      const features = tensor('float32', samples, [1, samples.length, 1])
      return [{ features, speech: SPEECH, startSeconds: 0, endSeconds: samples.length / 16_000 }]
    },
    async projectAudio(windows: readonly HeardWindow[], checkpoint: string) {
      projected.push(checkpoint)
      return windows.map(({ features, speech, startSeconds, endSeconds }) => ({
        ids: [7],
        rows: features.data,
        transcript: speech!.text,
        unbiasedTranscript: speech!.text,
        startSeconds,
        endSeconds,
      }))
    },
  }
}

const idOf = (digit: number) => String(digit).repeat(64).slice(0, 64)
const audio = (digit: number, samples = 4) => ({
  id: idOf(digit),
  decode: async () => ({
    samples: new Float32Array(samples).fill(digit),
    durationSeconds: samples / 16_000,
    source: {} as never,
  }),
})
const byId = (digit: number) => ({ id: idOf(digit), decode: null })
const who = (tenant = 'a', signal = new AbortController().signal) =>
  ({ tenant, priority: 'normal', signal }) as const
const notCached = { code: 'audio_not_cached' }

describe('in memory', () => {
  it('an audio is heard once a tenant and a hearing, and projected once a checkpoint', async () => {
    const cache = new EncoderCache()
    const model = countingModel()
    const first = await cache.encode(audio(1), model, 'sft', who())
    expect(await cache.encode(audio(1), model, 'sft', who())).toBe(first)
    await cache.encode(byId(1), model, 'dpo', who())
    expect(model).toMatchObject({ heard: [4], projected: ['sft', 'dpo'] })
    expect((await cache.encode(byId(1), model, 'dpo', who())).contentHash).not.toBe(first.contentHash)
    await cache.encode(audio(1), model, 'sft', who('b'))
    const other = countingModel('other')
    await cache.encode(audio(1), other, 'sft', who())
    expect([model.heard, other.heard]).toEqual([[4, 4], [4]])
    expect(cache.stats()).toMatchObject({ entries: 3, hits: 3, misses: 3, underWay: 0, disk: null })
    expect(cache.ids()).toEqual([idOf(1)])
  })

  it('what failed is tried again by the next', async () => {
    const cache = new EncoderCache()
    const model = countingModel()
    const broken = { id: idOf(1), decode: () => Promise.reject(new Error('unreadable')) }
    await expect(cache.encode(broken, model, 'sft', who())).rejects.toThrow('unreadable')
    expect((await cache.encode(audio(1), model, 'sft', who())).durationSeconds).toBe(4 / 16_000)
  })

  it('an id alone waits for the audio that is just being heard, and fails nobody', async () => {
    const cache = new EncoderCache()
    const model = countingModel()
    await expect(cache.encode(byId(1), model, 'sft', who())).rejects.toMatchObject(notCached)
    const all = [byId(1), audio(1), byId(1), audio(1)].map(asked => cache.encode(asked, model, 'sft', who()))
    const outcomes = await Promise.allSettled(all)
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
    expect(model).toMatchObject({ heard: [4], projected: ['sft'] })
  })

  it('never holds more than its bytes, and forgets first what was used longest ago', async () => {
    const ask = fc.record({ digit: fc.integer({ min: 0, max: 5 }), samples: fc.constantFrom(50, 100, 500) })
    await fc.assert(
      fc.asyncProperty(fc.array(ask, { maxLength: 30 }), async asks => {
        const cache = new EncoderCache({ maxBytes: 3000 })
        const model = countingModel()
        const sizes = new Map<number, number>()
        for (const { digit, samples } of asks) {
          const size = sizes.get(digit) ?? samples
          sizes.set(digit, size)
          const encoded = await cache.encode(audio(digit, size), model, 'sft', who())
          // Whether it was here or not, it is the audio that was asked for.
          expect(encoded.windows[0]!.rows).toEqual(new Float32Array(size).fill(digit))
          const { bytes, entries } = cache.stats()
          expect(bytes).toBeLessThanOrEqual(3000)
          expect(cache.ids()).toHaveLength(entries)
          const fits = 8 * size + 200 < 3000
          expect(cache.ids().includes(idOf(digit))).toBe(fits)
          const before = model.heard.length
          if (fits) await cache.encode(byId(digit), model, 'sft', who())
          expect(model.heard).toHaveLength(before)
        }
      }),
    )
  })
})

describe('with a disk', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'auricle-encoder-cache-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))
  const open = async (maxBytes?: number) =>
    new EncoderCache({
      disk: await DiskTier.open(folder, 100_000),
      ...(maxBytes === undefined ? {} : { maxBytes }),
    })

  it('what was heard outlives the process, and gives the same embeddings', async () => {
    const before = await open()
    const first = await before.encode(audio(1), countingModel(), 'sft', who())
    await before.close()
    const after = await open()
    expect(after.ids()).toEqual([idOf(1)])
    const model = countingModel()
    expect(await after.encode(byId(1), model, 'sft', who())).toEqual(first)
    expect(model.heard).toEqual([])
    expect(after.stats()).toMatchObject({ hits: 1, misses: 0, disk: { hits: 1, entries: 1 } })
  })

  it('what memory has no room for is read again', async () => {
    const cache = await open(0)
    const model = countingModel()
    const first = await cache.encode(audio(1), model, 'sft', who())
    await cache.close()
    expect(await cache.encode(byId(1), model, 'sft', who())).toEqual(first)
    expect(model.heard).toEqual([4])
  })

  it('a new model never reads what an old one heard, nor a tenant what another sent', async () => {
    const before = await open()
    await before.encode(audio(1), countingModel('old'), 'sft', who())
    await before.close()
    const after = await open()
    await expect(after.encode(byId(1), countingModel('new'), 'sft', who())).rejects.toMatchObject(notCached)
    await expect(after.encode(byId(1), countingModel('old'), 'sft', who('b'))).rejects.toMatchObject(
      notCached,
    )
  })

  it('a damaged file is as good as none, and is replaced', async () => {
    const before = await open()
    await before.encode(audio(1), countingModel(), 'sft', who())
    await before.close()
    const [file] = (await readdir(folder, { recursive: true })).filter(name => name.endsWith(idOf(1)))
    await writeFile(join(folder, file!), 'nonsense')
    const after = await open()
    const model = countingModel()
    await expect(after.encode(byId(1), model, 'sft', who())).rejects.toMatchObject(notCached)
    await after.encode(audio(1), model, 'sft', who())
    await after.close()
    expect(model.heard).toEqual([4])
    expect(await (await open()).encode(byId(1), countingModel(), 'sft', who())).toBeTruthy()
  })
})
