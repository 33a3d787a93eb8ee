/**
 * Reads a `.safetensors` file: a JSON header with name, type, shape and byte range of each tensor, then the
 * bytes. Source: huggingface/safetensors, README "Format".
 */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'

export interface NamedTensor {
  /** Values as f32, whatever the file stores them as (F16 or F32). */
  readonly data: Float32Array
  readonly shape: readonly number[]
}

const Entry = z.object({
  dtype: z.enum(['F16', 'F32']),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
})

/** Every tensor of the file, by name. Throws a RangeError on anything malformed. */
export async function readSafetensors(path: string): Promise<Map<string, NamedTensor>> {
  return parseSafetensors(await readFile(path))
}

/** See {@link readSafetensors}. */
export function parseSafetensors(file: Uint8Array): Map<string, NamedTensor> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const headerLength = file.byteLength < 8 ? -1 : Number(view.getBigUint64(0, true))
  const dataStart = 8 + headerLength
  if (headerLength < 0 || dataStart > file.byteLength)
    throw new RangeError('safetensors: the file is cut off')
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, dataStart))) as Record<string, unknown>

  const tensors = new Map<string, NamedTensor>()
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const { dtype, shape, data_offsets } = Entry.parse(value)
    const [start, end] = data_offsets
    const count = shape.reduce((product, size) => product * size, 1)
    const width = dtype === 'F16' ? 2 : 4
    if (end - start !== count * width || dataStart + end > file.byteLength) {
      throw new RangeError(`safetensors: tensor '${name}' doesn't fit its byte range`)
    }
    const bytes = new Uint8Array(file.subarray(dataStart + start, dataStart + end)).buffer
    const data = dtype === 'F16' ? Float32Array.from(new Float16Array(bytes)) : new Float32Array(bytes)
    tensors.set(name, { data, shape })
  }
  return tensors
}
