// One suite for both ways to drive ONNX Runtime.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { embed, GOLDENS, TINY, TINY_DECODER_PATH } from '../engine/fixtures/tiny-decoder.ts'
import { CPU } from './device.ts'
import { loadRuntime } from './load-runtime.ts'
import { type OrtBinding, type OrtRuntime, type OrtSession, RuntimeError } from './runtime.ts'
import { type Tensor, tensor } from './tensor.ts'

const KV_HEADS = 2
const HEAD = 16
const CAPACITY = 64
const TOLERANCE = 1e-3

describe.each(['c-api', 'node-binding'] as const)('%s', kind => {
  let runtime: OrtRuntime
  let session: OrtSession

  beforeAll(async () => {
    runtime = await loadRuntime({ kind })
    session = await runtime.loadSession(TINY_DECODER_PATH, { threads: 1 })
  })
  afterAll(() => session.release())

  test('says what it is', () => {
    expect(runtime.kind).toBe(kind)
    expect(runtime.version).toMatch(/^\d+\.\d+\.\d+/)
  })

  test('describes inputs and outputs', () => {
    expect(session.inputs.find(input => input.name === 'inputs_embeds')).toEqual({
      name: 'inputs_embeds',
      type: 'float32',
      dims: [null, null, TINY.hidden],
    })
    expect(session.inputs.find(input => input.name === 'total_sequence_length')).toEqual({
      name: 'total_sequence_length',
      type: 'int32',
      dims: [],
    })
    expect(session.outputs.map(output => output.name)).toEqual([
      'logits',
      ...['present_key_0', 'present_value_0', 'present_key_1', 'present_value_1'],
    ])
  })

  test('a plain run returns every output in memory of its own', async () => {
    const { prompt, firstLogits } = GOLDENS[0]!
    const outputs = await session.run({ ...promptFeeds(prompt), ...emptyPast(prompt.length) })
    expect(Object.keys(outputs).length).toBe(5)
    expect(outputs['logits']!.dims).toEqual([1, TINY.vocabulary])
    expectClose(outputs['logits']!.data as Float32Array, firstLogits)
    expect(outputs['present_key_1']!.dims).toEqual([1, KV_HEADS, prompt.length, HEAD])
  })

  test('a plain run computes what is asked for', async () => {
    const feeds = { ...promptFeeds([1, 2, 3]), ...emptyPast(3) }
    const outputs = await session.run(feeds, ['present_value_0'])
    expect(Object.keys(outputs)).toEqual(['present_value_0'])
  })

  test('no row of logits is asked for: an empty output', async () => {
    const feeds = { ...promptFeeds([1, 2, 3]), ...emptyPast(3) }
    feeds['logits_positions'] = tensor('int64', new BigInt64Array(0), [0])
    const outputs = await session.run(feeds, ['logits'])
    expect(outputs['logits']).toEqual(tensor('float32', new Float32Array(0), [0, TINY.vocabulary]))
  })

  test('past and present share one buffer from step to step', async () => {
    const { prompt, tokens } = GOLDENS[1]!
    const logits = new Float32Array(TINY.vocabulary)
    const binding = session.createBinding()
    bindCache(binding, 0, cacheOf(1))
    bindNoAdapter(binding)
    binding.bindOutput('logits', tensor('float32', logits, [1, TINY.vocabulary]))

    for (const [name, value] of Object.entries(promptFeeds(prompt))) binding.bindInput(name, value)
    await binding.run()
    const answer = [argmax(logits)]

    const embedding = new Float32Array(TINY.hidden)
    const seqlens = new Int32Array(1)
    const total = new Int32Array(1)
    binding.bindInput('inputs_embeds', tensor('float32', embedding, [1, 1, TINY.hidden]))
    binding.bindInput('seqlens_k', tensor('int32', seqlens, [1]))
    binding.bindInput('total_sequence_length', tensor('int32', total, []))
    binding.bindInput('logits_positions', tensor('int64', BigInt64Array.of(0n), [1]))
    while (answer.length < tokens.length) {
      embedding.set(embed([answer.at(-1)!]))
      seqlens[0] = prompt.length + answer.length - 1
      total[0] = prompt.length + answer.length
      await binding.run()
      answer.push(argmax(logits))
    }
    expect(answer).toEqual(tokens)
    binding.release()
  })

  test('a view into a larger buffer is read and written where it is', async () => {
    const { prompt, firstLogits } = GOLDENS[2]!
    const cache = cacheOf(3)
    const logits = new Float32Array(3 * TINY.vocabulary)
    const binding = session.createBinding()
    bindCache(binding, 1, cache)
    bindNoAdapter(binding)
    binding.bindOutput(
      'logits',
      tensor('float32', logits.subarray(TINY.vocabulary, 2 * TINY.vocabulary), [1, TINY.vocabulary]),
    )
    for (const [name, value] of Object.entries(promptFeeds(prompt))) binding.bindInput(name, value)
    await binding.run()
    binding.release()
    expectClose(logits.subarray(TINY.vocabulary, 2 * TINY.vocabulary), firstLogits)
    expect(logits.subarray(0, TINY.vocabulary).every(value => value === 0)).toBe(true)
    const slot = KV_HEADS * CAPACITY * HEAD
    for (const side of cache.values()) {
      expect(side.subarray(0, slot).every(value => value === 0)).toBe(true)
      expect(side.subarray(slot, slot + prompt.length * HEAD).every(value => value !== 0)).toBe(true)
      expect(side.subarray(2 * slot).every(value => value === 0)).toBe(true)
    }
  })

  test('runs of one session started together do not overlap', async () => {
    const results = await Promise.all(
      GOLDENS.filter(golden => golden.checkpoint === null).map(async ({ prompt, firstLogits }) => {
        const outputs = await session.run({ ...promptFeeds(prompt), ...emptyPast(prompt.length) }, ['logits'])
        expectClose(outputs['logits']!.data as Float32Array, firstLogits)
        return true
      }),
    )
    expect(results.length).toBeGreaterThan(4)
  })

  test('an aborted signal ends the run with its reason', async () => {
    const feeds = { ...promptFeeds([1, 2, 3]), ...emptyPast(3) }
    const reason = new Error('gone')
    await expect(session.run(feeds, undefined, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const { signal } = new AbortController()
    await expect(session.run(feeds, ['logits'], { signal })).resolves.toHaveProperty('logits')
  })

  test('mistakes are named', async () => {
    const binding = session.createBinding()
    const value = tensor('float32', new Float32Array(1), [1])
    expect(() => binding.bindInput('nonsense', value)).toThrow(RuntimeError)
    expect(() => binding.bindOutput('nonsense', value)).toThrow(RuntimeError)
    expect(() => binding.bindInput('seqlens_k', value)).toThrow(/seqlens_k is int32/)
    await expect(session.run(promptFeeds([1]), ['logits'])).rejects.toThrow(/missing: .*past_key_0/)
    await expect(runtime.loadSession('/nowhere.onnx')).rejects.toThrow(/nowhere\.onnx/)
    binding.release()
    binding.release()
    await expect((async () => binding.run())()).rejects.toThrow()
  })

  test('weights may lie in memory', async () => {
    const weights = Float32Array.from({ length: 65 }, (_, index) => index)
    const file = new Uint8Array(weights.buffer)
    const path = fileURLToPath(new URL('./fixtures/external-weights.onnx', import.meta.url))
    const other = await runtime.loadSession(path, { externalFiles: new Map([['elsewhere.bin', file]]) })
    // What was lent is the caller's again.
    weights.fill(-1)
    const { y } = await other.run({ x: tensor('float32', new Float32Array(64).fill(0.5), [64]) })
    expect(y!.data).toEqual(Float32Array.from({ length: 64 }, (_, index) => index + 1.5))
    await other.release()
    await expect(runtime.loadSession(path)).rejects.toThrow(/elsewhere\.bin/)
    const short = new Map([['elsewhere.bin', file.subarray(0, 255)]])
    await expect(runtime.loadSession(path, { externalFiles: short })).rejects.toThrow(RuntimeError)
  })

  test('release waits for the run in progress and may be repeated', async () => {
    const other = await runtime.loadSession(TINY_DECODER_PATH, { threads: 1 })
    const running = other.run({ ...promptFeeds([5, 6]), ...emptyPast(2) }, ['logits'])
    await Promise.all([other.release(), other.release()])
    await expect(running).resolves.toHaveProperty('logits')
    await expect(other.run({}, ['logits'])).rejects.toThrow()
  })
})

test('c-api: an abort ends a run in progress, and the next run is none the worse', async () => {
  const runtime = await loadRuntime({ kind: 'c-api' })
  const session = await runtime.loadSession(TINY_DECODER_PATH, { threads: 1 })
  const [rows, length] = [512, 128]
  const cache = () =>
    tensor('float32', new Float32Array(rows * KV_HEADS * length * HEAD), [rows, KV_HEADS, length, HEAD])
  const binding = session.createBinding()
  bindNoAdapter(binding)
  for (let layer = 0; layer < TINY.layers; layer++) {
    for (const side of ['key', 'value']) {
      const shared = cache()
      binding.bindInput(`past_${side}_${layer}`, shared)
      binding.bindOutput(`present_${side}_${layer}`, shared)
    }
  }
  const embeddings = new Float32Array(rows * length * TINY.hidden).fill(0.1)
  binding.bindInput('inputs_embeds', tensor('float32', embeddings, [rows, length, TINY.hidden]))
  binding.bindInput('seqlens_k', tensor('int32', new Int32Array(rows).fill(length - 1), [rows]))
  binding.bindInput('total_sequence_length', tensor('int32', Int32Array.of(length), []))
  binding.bindInput('logits_positions', tensor('int64', BigInt64Array.of(0n), [1]))
  binding.bindOutput('logits', tensor('float32', new Float32Array(TINY.vocabulary), [1, TINY.vocabulary]))

  const abort = new AbortController()
  const running = binding.run({ signal: abort.signal })
  setImmediate(() => abort.abort(new Error('enough')))
  await expect(running).rejects.toThrow('enough')
  await binding.run({ signal: new AbortController().signal })
  await session.release()
})

test('the runtime is chosen when nobody chooses', async () => {
  const runtime = await loadRuntime()
  expect(['c-api', 'node-binding']).toContain(runtime.kind)
})

const HAS_GPU = existsSync('/dev/nvidia0')

test.skipIf(HAS_GPU)('a GPU that cannot be used is refused with what is missing and the remedy', async () => {
  const asked = { kind: 'c-api', provider: 'cuda' } as const
  await expect(loadRuntime(asked)).rejects.toThrow(/CUDA.*(worker-cuda\.Dockerfile|AURICLE_ORT_LIBRARY)/s)
  // Nobody who asks for a GPU is given the CPU instead.
  await expect(loadRuntime({ provider: 'cuda' })).rejects.toThrow(/CUDA/)
  await expect(loadRuntime({ ...asked, kind: 'node-binding' })).rejects.toThrow(/AURICLE_RUNTIME/)
})

test.skipIf(HAS_GPU)('`auto` takes the CPU where there is no GPU, and says why', async () => {
  const reasons: string[] = []
  const runtime = await loadRuntime({ provider: 'auto' }, reason => reasons.push(reason))
  expect([runtime.device, runtime.deviceInUse]).toEqual([CPU, CPU])
  expect(reasons).toEqual([expect.stringContaining('CUDA')])
})

function promptFeeds(prompt: readonly number[]): Record<string, Tensor> {
  const length = prompt.length
  return {
    inputs_embeds: tensor('float32', embed(prompt), [1, length, TINY.hidden]),
    seqlens_k: tensor('int32', Int32Array.of(length - 1), [1]),
    total_sequence_length: tensor('int32', Int32Array.of(length), []),
    logits_positions: tensor('int64', BigInt64Array.of(BigInt(length - 1)), [1]),
  }
}

/** A past of no positions in a buffer that holds `capacity`, and adapters of rank 0. */
function emptyPast(capacity: number): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = noAdapter()
  for (let layer = 0; layer < TINY.layers; layer++) {
    for (const side of ['key', 'value']) {
      const data = new Float32Array(KV_HEADS * capacity * HEAD)
      feeds[`past_${side}_${layer}`] = tensor('float32', data, [1, KV_HEADS, capacity, HEAD])
    }
  }
  return feeds
}

function noAdapter(): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {}
  const wide = KV_HEADS * HEAD * 2
  for (let layer = 0; layer < TINY.layers; layer++) {
    for (const [site, rows, columns] of [
      ['q', TINY.hidden, wide],
      ['o', wide, TINY.hidden],
    ] as const) {
      feeds[`lora_${layer}_${site}_a`] = tensor('float32', new Float32Array(0), [rows, 0])
      feeds[`lora_${layer}_${site}_b`] = tensor('float32', new Float32Array(0), [0, columns])
    }
  }
  return feeds
}

function bindNoAdapter(binding: OrtBinding): void {
  for (const [name, value] of Object.entries(noAdapter())) binding.bindInput(name, value)
}

function cacheOf(slots: number): Map<string, Float32Array> {
  const names = Array.from({ length: TINY.layers }, (_, layer) => [`key_${layer}`, `value_${layer}`]).flat()
  return new Map(names.map(name => [name, new Float32Array(slots * KV_HEADS * CAPACITY * HEAD)]))
}

function bindCache(binding: OrtBinding, slot: number, cache: Map<string, Float32Array>): void {
  const size = KV_HEADS * CAPACITY * HEAD
  for (const [name, data] of cache) {
    const view = tensor('float32', data.subarray(slot * size, (slot + 1) * size), [
      1,
      KV_HEADS,
      CAPACITY,
      HEAD,
    ])
    binding.bindInput(`past_${name}`, view)
    binding.bindOutput(`present_${name}`, view)
  }
}

function argmax(values: Float32Array): number {
  return values.indexOf(Math.max(...values))
}

function expectClose(actual: Float32Array, expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length)
  expected.forEach((value, index) => {
    expect(Math.abs(actual[index]! - value)).toBeLessThan(TOLERANCE)
  })
}
