// @ts-check
/** 16-bit mono WAV: what the microphone's recording is sent as. */

/**
 * @param {Float32Array} samples [-1, 1]; what lies outside is clipped
 * @param {number} sampleRateHz
 * @returns {Blob} audio/wav
 */
export function encodeWav(samples, sampleRateHz) {
  const header = new DataView(new ArrayBuffer(44))
  const dataBytes = samples.length * 2
  const text = (/** @type {number} */ at, /** @type {string} */ value) => {
    for (let i = 0; i < value.length; i++) header.setUint8(at + i, value.charCodeAt(i))
  }
  text(0, 'RIFF')
  header.setUint32(4, 36 + dataBytes, true)
  text(8, 'WAVEfmt ')
  header.setUint32(16, 16, true)
  header.setUint16(20, 1, true) // PCM
  header.setUint16(22, 1, true) // channels
  header.setUint32(24, sampleRateHz, true)
  header.setUint32(28, sampleRateHz * 2, true)
  header.setUint16(32, 2, true)
  header.setUint16(34, 16, true)
  text(36, 'data')
  header.setUint32(40, dataBytes, true)
  const data = new DataView(new ArrayBuffer(dataBytes))
  samples.forEach((sample, i) => {
    data.setInt16(i * 2, Math.round(Math.max(-1, Math.min(1, sample)) * 32767), true)
  })
  return new Blob([header, data], { type: 'audio/wav' })
}
