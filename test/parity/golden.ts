/** Reads what `training/goldens` wrote: JSON with shapes and tolerances, arrays beside it as raw little-endian numbers. */
import { readFileSync } from 'node:fs'

/** Where an array lies and what it is. */
export interface ArrayReference {
  file: string
  dtype: 'f32' | 'i32'
  shape: number[]
}

const folder = new URL('./goldens/', import.meta.url)

export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as T
}

export function readFloats(file: string): Float32Array {
  return new Float32Array(new Uint8Array(readFileSync(new URL(file, folder))).buffer)
}

export function readIntegers(file: string): Int32Array {
  return new Int32Array(new Uint8Array(readFileSync(new URL(file, folder))).buffer)
}

/** Largest absolute difference of two arrays of one length. */
export function largestDifference(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (ours.length !== theirs.length) throw new RangeError(`${ours.length} values instead of ${theirs.length}`)
  let largest = 0
  for (let k = 0; k < ours.length; k++) largest = Math.max(largest, Math.abs(ours[k]! - theirs[k]!))
  return largest
}

/** How far two arrays of one length are from each other, in parts of the size of `theirs` (Euclidean norms). */
export function relativeDistance(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (ours.length !== theirs.length) throw new RangeError(`${ours.length} values instead of ${theirs.length}`)
  let distance = 0
  let size = 0
  for (let k = 0; k < ours.length; k++) {
    distance += (ours[k]! - theirs[k]!) ** 2
    size += theirs[k]! ** 2
  }
  return Math.sqrt(distance / size)
}
