import { describe, expect, it } from 'vitest'
import { parseSafetensors } from './safetensors.ts'

function file(header: object, data: Uint8Array): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header))
  const bytes = new Uint8Array(8 + json.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true)
  bytes.set(json, 8)
  bytes.set(data, 8 + json.length)
  return bytes
}

describe('safetensors', () => {
  it('reads F32 and F16 as f32', () => {
    const data = new Uint8Array(12)
    data.set(new Uint8Array(Float32Array.of(1.5, -2).buffer))
    data.set(new Uint8Array(Float16Array.of(0.5, 3).buffer), 8)
    const tensors = parseSafetensors(
      Buffer.from(
        file(
          {
            __metadata__: { format: 'pt' },
            a: { dtype: 'F32', shape: [1, 2], data_offsets: [0, 8] },
            b: { dtype: 'F16', shape: [2], data_offsets: [8, 12] },
          },
          data,
        ),
      ),
    )
    expect(tensors.get('a')).toEqual({ data: Float32Array.of(1.5, -2), shape: [1, 2] })
    expect(tensors.get('b')).toEqual({ data: Float32Array.of(0.5, 3), shape: [2] })
  })

  it('refuses ranges that lie, and files that are cut off', () => {
    const lying = file({ a: { dtype: 'F32', shape: [4], data_offsets: [0, 16] } }, new Uint8Array(8))
    expect(() => parseSafetensors(lying)).toThrow("tensor 'a'")
    expect(() => parseSafetensors(lying.subarray(0, 20))).toThrow('cut off')
    expect(() => parseSafetensors(new Uint8Array(3))).toThrow('cut off')
  })
})
