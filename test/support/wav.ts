import { encodeWav } from '../../web/wav.js'

/** Samples (16 kHz mono, full scale 1) as a WAV file of 16 bits, in base64. */
export async function wavBase64(samples: Float32Array): Promise<string> {
  return Buffer.from(await encodeWav(samples, 16_000).arrayBuffer()).toString('base64')
}

/** A WAV file of silence as base64: audio that needs no file. */
export function silentWav(seconds: number): Promise<string> {
  return wavBase64(new Float32Array(Math.round(seconds * 16_000)))
}
