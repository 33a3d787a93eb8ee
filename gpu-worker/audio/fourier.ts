/**
 * The Fourier transform of 400 points, for the mel spectrogram.
 *
 * 400 = 16 * 25, and 16 and 25 share no factor, so with n = 25 n1 + 16 n2 (mod 400) the transform falls apart into
 * transforms of 16 points over n1 and of 25 points over n2, with no twiddle factors between them (Good, 1958;
 * Thomas, 1963). The results come out at [k mod 25, k mod 16]. Both small transforms run in place and leave their
 * outputs in digit-reversed order; the tables `inputOffset` and `outputOffset` undo all permutations at once.
 * Two real frames are transformed together as one complex one, and only their power is taken out.
 */
import { FFT_SAMPLES, FREQUENCY_BINS } from './constants.ts'

const ROWS = 25
const COLUMNS = 16

/** Where sample n of a frame goes in the work buffers: [400] i32. */
const inputOffset = new Int32Array(FFT_SAMPLES)
for (let n1 = 0; n1 < COLUMNS; n1++)
  for (let n2 = 0; n2 < ROWS; n2++) inputOffset[(25 * n1 + 16 * n2) % FFT_SAMPLES] = n2 * COLUMNS + n1

/** Where frequency k lies in the work buffers after the transform: [400] i32. */
const outputOffset = new Int32Array(FFT_SAMPLES)
for (let k = 0; k < FFT_SAMPLES; k++) {
  const k1 = k % COLUMNS
  const k2 = k % ROWS
  // In-place radix 4 over 4 * 4 and radix 5 over 5 * 5 swap the two digits of each index.
  const reversed1 = (k1 % 4) * 4 + Math.floor(k1 / 4)
  const reversed2 = (k2 % 5) * 5 + Math.floor(k2 / 5)
  outputOffset[k] = reversed2 * COLUMNS + reversed1
}

/** e^(-2 pi i j / n), j = 0..n-1. */
function rootsOfUnity(n: number): { re: Float64Array; im: Float64Array } {
  const re = new Float64Array(n)
  const im = new Float64Array(n)
  for (let j = 0; j < n; j++) {
    re[j] = Math.cos((2 * Math.PI * j) / n)
    im[j] = -Math.sin((2 * Math.PI * j) / n)
  }
  return { re, im }
}

const roots16 = rootsOfUnity(16)
const roots25 = rootsOfUnity(25)
const COS_1 = Math.cos((2 * Math.PI) / 5)
const COS_2 = Math.cos((4 * Math.PI) / 5)
const SIN_1 = Math.sin((2 * Math.PI) / 5)
const SIN_2 = Math.sin((4 * Math.PI) / 5)

/** Work space of `powerSpectraOfPair`; one a caller, so that calls never share state. */
export interface FourierWorkspace {
  /** [25, 16] f64 */
  re: Float64Array
  /** [25, 16] f64 */
  im: Float64Array
}

export function createFourierWorkspace(): FourierWorkspace {
  return { re: new Float64Array(FFT_SAMPLES), im: new Float64Array(FFT_SAMPLES) }
}

/**
 * Squared magnitudes of the transforms of two windowed frames.
 * @param samples signal that holds both frames
 * @param startA first sample of frame A in `samples`; all 400 lie inside
 * @param startB first sample of frame B
 * @param window [400] f64
 * @param powerA receives [201] f64
 * @param powerB receives [201] f64
 */
export function powerSpectraOfPair(
  workspace: FourierWorkspace,
  samples: Float32Array,
  startA: number,
  startB: number,
  window: Float64Array,
  powerA: Float64Array,
  powerB: Float64Array,
): void {
  const { re, im } = workspace
  for (let n = 0; n < FFT_SAMPLES; n++) {
    const offset = inputOffset[n]!
    const weight = window[n]!
    re[offset] = samples[startA + n]! * weight
    im[offset] = samples[startB + n]! * weight
  }
  for (let row = 0; row < ROWS; row++) transform16(re, im, row * COLUMNS)
  for (let column = 0; column < COLUMNS; column++) transform25(re, im, column)

  // Z = A + iB with A and B real: A(k) = (Z(k) + conj Z(-k)) / 2, B(k) = (Z(k) - conj Z(-k)) / 2i.
  for (let k = 0; k < FREQUENCY_BINS; k++) {
    const up = outputOffset[k]!
    const down = outputOffset[k === 0 ? 0 : FFT_SAMPLES - k]!
    const sumRe = re[up]! + re[down]!
    const differenceIm = im[up]! - im[down]!
    const sumIm = im[up]! + im[down]!
    const differenceRe = re[down]! - re[up]!
    powerA[k] = 0.25 * (sumRe * sumRe + differenceIm * differenceIm)
    powerB[k] = 0.25 * (sumIm * sumIm + differenceRe * differenceRe)
  }
}

/** 16 points at `base`, stride 1, in place: radix 4 twice, digits left reversed. */
function transform16(re: Float64Array, im: Float64Array, base: number): void {
  for (let j = 0; j < 4; j++) {
    radix4(re, im, base + j, 4)
    if (j === 0) continue
    for (let q = 1; q < 4; q++) rotate(re, im, base + j + 4 * q, roots16.re[j * q]!, roots16.im[j * q]!)
  }
  for (let q = 0; q < 4; q++) radix4(re, im, base + 4 * q, 1)
}

/** 25 points at `base`, stride 16, in place: radix 5 twice, digits left reversed. */
function transform25(re: Float64Array, im: Float64Array, base: number): void {
  for (let j = 0; j < 5; j++) {
    radix5(re, im, base + j * COLUMNS, 5 * COLUMNS)
    if (j === 0) continue
    for (let q = 1; q < 5; q++)
      rotate(re, im, base + (j + 5 * q) * COLUMNS, roots25.re[j * q]!, roots25.im[j * q]!)
  }
  for (let q = 0; q < 5; q++) radix5(re, im, base + 5 * q * COLUMNS, COLUMNS)
}

function rotate(re: Float64Array, im: Float64Array, at: number, cosine: number, sine: number): void {
  const x = re[at]!
  const y = im[at]!
  re[at] = x * cosine - y * sine
  im[at] = x * sine + y * cosine
}

function radix4(re: Float64Array, im: Float64Array, base: number, stride: number): void {
  const i1 = base + stride
  const i2 = i1 + stride
  const i3 = i2 + stride
  const sum02Re = re[base]! + re[i2]!
  const sum02Im = im[base]! + im[i2]!
  const difference02Re = re[base]! - re[i2]!
  const difference02Im = im[base]! - im[i2]!
  const sum13Re = re[i1]! + re[i3]!
  const sum13Im = im[i1]! + im[i3]!
  const difference13Re = re[i1]! - re[i3]!
  const difference13Im = im[i1]! - im[i3]!
  re[base] = sum02Re + sum13Re
  im[base] = sum02Im + sum13Im
  re[i1] = difference02Re + difference13Im
  im[i1] = difference02Im - difference13Re
  re[i2] = sum02Re - sum13Re
  im[i2] = sum02Im - sum13Im
  re[i3] = difference02Re - difference13Im
  im[i3] = difference02Im + difference13Re
}

function radix5(re: Float64Array, im: Float64Array, base: number, stride: number): void {
  const i1 = base + stride
  const i2 = i1 + stride
  const i3 = i2 + stride
  const i4 = i3 + stride
  const re0 = re[base]!
  const im0 = im[base]!
  const sum14Re = re[i1]! + re[i4]!
  const sum14Im = im[i1]! + im[i4]!
  const difference14Re = re[i1]! - re[i4]!
  const difference14Im = im[i1]! - im[i4]!
  const sum23Re = re[i2]! + re[i3]!
  const sum23Im = im[i2]! + im[i3]!
  const difference23Re = re[i2]! - re[i3]!
  const difference23Im = im[i2]! - im[i3]!
  re[base] = re0 + sum14Re + sum23Re
  im[base] = im0 + sum14Im + sum23Im
  const even1Re = re0 + COS_1 * sum14Re + COS_2 * sum23Re
  const even1Im = im0 + COS_1 * sum14Im + COS_2 * sum23Im
  const even2Re = re0 + COS_2 * sum14Re + COS_1 * sum23Re
  const even2Im = im0 + COS_2 * sum14Im + COS_1 * sum23Im
  const odd1Re = SIN_1 * difference14Re + SIN_2 * difference23Re
  const odd1Im = SIN_1 * difference14Im + SIN_2 * difference23Im
  const odd2Re = SIN_2 * difference14Re - SIN_1 * difference23Re
  const odd2Im = SIN_2 * difference14Im - SIN_1 * difference23Im
  re[i1] = even1Re + odd1Im
  im[i1] = even1Im - odd1Re
  re[i4] = even1Re - odd1Im
  im[i4] = even1Im + odd1Re
  re[i2] = even2Re + odd2Im
  im[i2] = even2Im - odd2Re
  re[i3] = even2Re - odd2Im
  im[i3] = even2Im + odd2Re
}
