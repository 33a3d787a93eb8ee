// @ts-check
/** The microphone: start, levels while it runs, stop. */
import { decode } from './clip.js'
import { encodeWav } from './wav.js'

/** What the models hear at; more would only be longer to send. */
const SAMPLE_RATE_HZ = 16_000

/**
 * @typedef {object} Recording
 * @property {() => Promise<Blob>} stop ends it; resolves to 16 kHz mono WAV, or to the browser's own format where it can't decode that
 * @property {() => number} level loudness now, [0, 1]
 * @property {number} startedAtMs on the clock of performance.now()
 */

/**
 * Asks for the microphone and starts.
 * @returns {Promise<Recording>}
 * @throws {Error} with a message for the user: no microphone, not allowed, not a secure page
 */
export async function startRecording() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error(
      'The browser gives the microphone to pages on https or localhost only. Choose a file instead.',
    )
  }
  let stream
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } })
  } catch (error) {
    throw new Error(messageOf(error))
  }
  const context = new AudioContext()
  const analyser = context.createAnalyser()
  analyser.fftSize = 1024
  context.createMediaStreamSource(stream).connect(analyser)
  const window = new Float32Array(analyser.fftSize)

  const recorder = new MediaRecorder(stream)
  /** @type {Blob[]} */
  const pieces = []
  recorder.ondataavailable = event => pieces.push(event.data)
  const stopped = new Promise(resolve => {
    recorder.onstop = resolve
  })
  recorder.start()

  return {
    startedAtMs: performance.now(),
    level() {
      analyser.getFloatTimeDomainData(window)
      return window.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)
    },
    async stop() {
      if (recorder.state !== 'inactive') recorder.stop()
      await stopped
      for (const track of stream.getTracks()) track.stop()
      await context.close()
      const recorded = new Blob(pieces, { type: recorder.mimeType })
      try {
        return encodeWav(await decode(recorded, SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)
      } catch {
        return recorded
      }
    },
  }
}

/** @param {unknown} error of getUserMedia */
function messageOf(error) {
  const name = error instanceof DOMException ? error.name : ''
  if (name === 'NotAllowedError')
    return "The microphone isn't allowed. Allow it in the browser's address bar, or choose a file."
  if (name === 'NotFoundError') return 'There is no microphone here. Plug one in, or choose a file.'
  return "The microphone can't be used; another program may hold it. Choose a file instead."
}
