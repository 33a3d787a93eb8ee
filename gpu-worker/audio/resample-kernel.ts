/** The SIMD inner loop of resampling (wasm/resample), and the memory that it works in. */
import { readFileSync } from 'node:fs'

interface KernelExports {
  memory: WebAssembly.Memory
  allocate(length: number): number
  release(pointer: number, length: number): void
  resample(
    input: number,
    coefficients: number,
    taps: number,
    phases: number,
    up: number,
    step: number,
    stepFraction: number,
    firstFraction: number,
    output: number,
    count: number,
  ): void
}

/** A filter bank in the kernel's memory. */
export interface LoadedBank {
  pointer: number
  /** Taps of one phase, a multiple of 16. */
  taps: number
  phases: number
}

/** A place in the input, between samples: `sample + fraction / up`. */
export interface Position {
  sample: number
  fraction: number
}

const BYTES = Float32Array.BYTES_PER_ELEMENT

const kernel = new WebAssembly.Instance(
  new WebAssembly.Module(readFileSync(new URL('./wasm/resample.wasm', import.meta.url))),
).exports as unknown as KernelExports

/** Where input and output lie during a call; calls are synchronous, so all share it. */
const scratch = { pointer: 0, length: 0 }

/** @param coefficients [phases + 1, taps] f32, taps a multiple of 16 */
export function loadBank(coefficients: Float32Array, phases: number, taps: number): LoadedBank {
  const pointer = allocate(coefficients.length)
  new Float32Array(kernel.memory.buffer, pointer, coefficients.length).set(coefficients)
  return { pointer, taps, phases }
}

export function releaseBank({ pointer, phases, taps }: LoadedBank): void {
  kernel.release(pointer, (phases + 1) * taps)
}

/**
 * Computes outputs `down / up` of an input sample apart.
 * @param input [n] f32; taps reach from the first position's sample to `taps - 1` behind the last one's
 * @param first position of output 0: the sample that its first tap takes
 * @returns [count] f32
 */
export function runKernel(
  bank: LoadedBank,
  input: Float32Array,
  first: Position,
  up: number,
  down: number,
  count: number,
): Float32Array<ArrayBuffer> {
  const needed = input.length + count
  if (needed > scratch.length) {
    if (scratch.length > 0) kernel.release(scratch.pointer, scratch.length)
    scratch.pointer = allocate(needed)
    scratch.length = needed
  }
  new Float32Array(kernel.memory.buffer, scratch.pointer, input.length).set(input)
  const output = scratch.pointer + input.length * BYTES
  kernel.resample(
    scratch.pointer + first.sample * BYTES,
    bank.pointer,
    bank.taps,
    bank.phases,
    up,
    Math.floor(down / up),
    down % up,
    first.fraction,
    output,
    count,
  )
  return new Float32Array(kernel.memory.buffer, output, count).slice()
}

function allocate(length: number): number {
  const pointer = kernel.allocate(length)
  if (pointer === 0) throw new RangeError('No memory for resampling.')
  return pointer
}
