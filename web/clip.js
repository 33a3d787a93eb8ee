// @ts-check
/** A recording as the page holds it: the bytes that are sent, and what is drawn of them. */

/**
 * @typedef {object} Clip
 * @property {string} name the file's
 * @property {string | null} format as the wire names it, a hint; null where it has no name for it
 * @property {Blob} blob
 * @property {Peaks | null} peaks null where the browser can't decode it; the server may all the same
 * @property {number | null} seconds
 * @property {string | null} audioId what the server knows it by, once it has heard it
 *
 * @typedef {Float32Array} Peaks [buckets] the largest absolute sample of each, [0, 1]
 */

/** The names of src/protocol/audio-source.ts. */
const FORMATS = ['wav', 'mp3', 'flac', 'ogg', 'opus', 'webm', 'm4a', 'mp4', 'aac', 'mpeg', 'mpga', 'oga']

const BUCKETS = 1600

/** Larger files are sent but not drawn: decoded they would fill the page's memory. */
const MOST_BYTES_DRAWN = 64 * 2 ** 20

/** Enough to draw from, and an hour of it is 115 MB. */
const DRAWING_RATE_HZ = 8000

/**
 * @param {Blob} blob
 * @param {string} name
 * @returns {Promise<Clip>}
 */
export async function loadClip(blob, name) {
  const samples = blob.size <= MOST_BYTES_DRAWN ? await decode(blob, DRAWING_RATE_HZ).catch(() => null) : null
  return {
    name,
    format: formatOf(name, blob.type),
    blob,
    peaks: samples && peaksOf(samples, BUCKETS),
    seconds: samples && samples.length / DRAWING_RATE_HZ,
    audioId: null,
  }
}

/**
 * @param {Blob} blob audio that the browser knows
 * @param {number} sampleRateHz
 * @returns {Promise<Float32Array>} mono, at that rate (the browser's resampler is band-limited)
 */
export async function decode(blob, sampleRateHz) {
  const context = new OfflineAudioContext(1, 1, sampleRateHz)
  const buffer = await context.decodeAudioData(await blob.arrayBuffer())
  const mono = new Float32Array(buffer.length)
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    buffer.getChannelData(channel).forEach((sample, i) => {
      mono[i] = (mono[i] ?? 0) + sample / buffer.numberOfChannels
    })
  }
  return mono
}

/**
 * @param {Float32Array} samples
 * @param {number} buckets fewer are made of fewer samples
 * @returns {Peaks}
 */
export function peaksOf(samples, buckets) {
  const count = Math.min(buckets, samples.length)
  const peaks = new Float32Array(count)
  for (let i = 0; i < count; i++) {
    const end = Math.floor(((i + 1) * samples.length) / count)
    let peak = 0
    for (let at = Math.floor((i * samples.length) / count); at < end; at++) {
      peak = Math.max(peak, Math.abs(samples[at] ?? 0))
    }
    peaks[i] = peak
  }
  return peaks
}

/**
 * @param {Blob} blob
 * @returns {Promise<string>} base64 of the bytes
 */
export function base64Of(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => {
      const url = String(reader.result)
      resolve(url.slice(url.indexOf(',') + 1))
    }
    reader.onerror = () => reject(reader.error ?? new Error("The file can't be read."))
    reader.readAsDataURL(blob)
  })
}

/**
 * @param {string} name
 * @param {string} mimeType
 * @returns {string | null} one of the wire's formats, by the name's ending, else by the type
 */
export function formatOf(name, mimeType) {
  const ending = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase()
  const subtype = /^(?:audio|video)\/(?:x-)?([a-z0-9]+)/.exec(mimeType)?.[1]
  return [ending, subtype].find(candidate => candidate && FORMATS.includes(candidate)) ?? null
}

/**
 * @param {number} seconds
 * @returns {string} `0:07`, `12:30`
 */
export function clockOf(seconds) {
  const whole = Math.floor(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}
