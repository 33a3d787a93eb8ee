// One suite for JavaScript's memory and a device's; the device here is the CPU, in the hands of ONNX Runtime.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TINY_DECODER_PATH } from '../engine/fixtures/tiny-decoder.ts'
import { loadRuntime } from './load-runtime.ts'
import type { OrtSession } from './runtime.ts'
import type { TensorMemory } from './tensor-memory.ts'

describe.each(['host', 'device'] as const)('%s memory', kind => {
  let session: OrtSession
  let memory: TensorMemory

  beforeAll(async () => {
    const runtime = await loadRuntime({ kind: 'c-api' })
    session = await runtime.loadSession(TINY_DECODER_PATH, { threads: 1, memory: kind })
    memory = session.memory
  })
  afterAll(() => session.release())

  test('is zero when it is given, and keeps what is written', () => {
    expect(memory.kind).toBe(kind)
    const buffer = memory.allocate('float16', 1000)
    expect([buffer.type, buffer.length]).toEqual(['float16', 1000])
    expect(buffer.read(0, 1000)).toEqual(new Float16Array(1000))
    buffer.write(3, Float16Array.of(1, -2, 0.5))
    expect([...buffer.read(2, 7)].map(Number)).toEqual([0, 1, -2, 0.5, 0])
    expect(buffer.read(5, 5)).toHaveLength(0)
  })

  test('copies rows, within a buffer and from another', () => {
    const buffer = memory.allocate('int8', 24)
    buffer.write(
      0,
      Int8Array.from({ length: 12 }, (_, index) => index + 1),
    )
    // Two rows of three, one every six elements.
    buffer.copyRows(buffer, { from: 1, to: 12, rows: 2, rowElements: 3, pitchElements: 6 })
    expect([...buffer.read(12, 24)].map(Number)).toEqual([2, 3, 4, 0, 0, 0, 8, 9, 10, 0, 0, 0])
    const other = memory.allocate('int8', 4)
    other.copyRows(buffer, { from: 12, to: 1, rows: 1, rowElements: 3, pitchElements: 3 })
    expect([...other.read(0, 4)].map(Number)).toEqual([0, 2, 3, 4])
  })

  test('places what does not change, nothing included', () => {
    const placed = memory.place('float32', Float32Array.of(1, 2), [1, 2])
    expect(placed).toMatchObject({ type: 'float32', dims: [1, 2] })
    expect('address' in placed).toBe(kind === 'device')
    expect(memory.place('float32', new Float32Array(0), [0, 7]).dims).toEqual([0, 7])
  })
})

test('a device’s buffer is never left: past its end is another’s memory', async () => {
  const runtime = await loadRuntime({ kind: 'c-api' })
  const session = await runtime.loadSession(TINY_DECODER_PATH, { threads: 1, memory: 'device' })
  const buffer = session.memory.allocate('float32', 10)
  const copy = { from: 0, to: 5, rows: 2, rowElements: 1, pitchElements: 5 }
  expect(() => buffer.view(4, [7])).toThrow(RangeError)
  expect(() => buffer.write(9, new Float32Array(2))).toThrow(RangeError)
  expect(() => buffer.read(-1, 2)).toThrow(RangeError)
  expect(() => buffer.copyRows(buffer, copy)).toThrow('5 to 11 are not in a buffer of 10')
  await session.release()
})

test('a device’s tensor is only for sessions that have one', async () => {
  const runtime = await loadRuntime({ kind: 'c-api' })
  const [device, host] = await Promise.all(
    (['device', 'host'] as const).map(memory =>
      runtime.loadSession(TINY_DECODER_PATH, { threads: 1, memory }),
    ),
  )
  const embeddings = device!.memory.allocate('float32', 32).view(0, [1, 1, 32])
  const binding = host!.createBinding()
  expect(() => binding.bindInput('inputs_embeds', embeddings)).toThrow('a session that has none')
  await Promise.all([device!.release(), host!.release()])
})
