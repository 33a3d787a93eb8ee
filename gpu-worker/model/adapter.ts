import type { AdapterWeights } from '../engine/types.ts'
import type { NamedTensor } from './safetensors.ts'

/** The LoRA matrices among a checkpoint's tensors: all whose names are not in `others`. */
export function adapterOf(
  tensors: ReadonlyMap<string, NamedTensor>,
  others: ReadonlySet<string> = new Set(),
): AdapterWeights {
  const weights = [...tensors].filter(([name]) => !others.has(name))
  return new Map(weights.map(([name, { data, shape }]) => [name, { data, dims: shape }]))
}
