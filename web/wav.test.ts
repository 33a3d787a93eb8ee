import { expect, test } from 'vitest'
import { encodeWav } from './wav.js'

test('writes a 16-bit mono header and clips what is out of range', async () => {
  const view = new DataView(await encodeWav(Float32Array.of(0, 0.5, -1, 2), 16_000).arrayBuffer())
  const text = (at: number) => String.fromCharCode(...[0, 1, 2, 3].map(i => view.getUint8(at + i)))
  expect([text(0), text(8), text(12), text(36)]).toEqual(['RIFF', 'WAVE', 'fmt ', 'data'])
  expect(view.byteLength).toBe(44 + 8)
  expect(view.getUint32(4, true)).toBe(view.byteLength - 8)
  expect(view.getUint16(22, true)).toBe(1)
  expect(view.getUint32(24, true)).toBe(16_000)
  expect(view.getUint32(28, true)).toBe(32_000)
  expect(view.getUint32(40, true)).toBe(8)
  expect([44, 46, 48, 50].map(at => view.getInt16(at, true))).toEqual([0, 16384, -32767, 32767])
})
