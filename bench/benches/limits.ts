/**
 * What hostile requests cost: files of few bytes that would be hours of audio (memory that the decoder takes before it
 * refuses them, beyond the file and the longest recording that it takes; and the time until then), and ten thousand
 * recordings in one request (time until the edge refuses it).
 * No peer.
 */
import { readFileSync } from 'node:fs'
import { SAMPLE_RATE_HZ } from '../../gpu-worker/audio/constants.ts'
import { closeDecoder, decodeAudio } from '../../gpu-worker/audio/decode.ts'
import { flacBomb, opusBomb } from '../../gpu-worker/audio/fixtures/bombs.ts'
import { ApiError } from '../../src/protocol/errors.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import type { Bench } from '../bench.ts'
import { EdgeProcess } from '../edge-process.ts'

const MAX_SECONDS = 600
const PARTS = 10_000
const SAMPLE_MS = 5

const limits: Bench = async function* ({ runs = 5, log }) {
  const ordinary = new URL('../../test/fixtures/formats/flac.oga', import.meta.url)
  await decodeAudio(new Uint8Array(readFileSync(ordinary)), bounds)
  const bombs = {
    opus: opusBomb(100_000),
    flac: flacBomb(Math.floor((defaultLimits.maxAudioBytes - 1000) / 18)),
  }
  const worst = { megabytes: 0, milliseconds: 0 }
  for (const [name, bytes] of Object.entries(bombs)) {
    for (let run = 0; run < runs; run++) {
      const { megabytes, milliseconds } = await refuse(bytes)
      worst.megabytes = Math.max(worst.megabytes, megabytes)
      worst.milliseconds = Math.max(worst.milliseconds, milliseconds)
    }
    log(`${name}: ${(bytes.byteLength / 1e6).toFixed(1)} MB, so far ${JSON.stringify(worst)}`)
  }
  await closeDecoder()
  yield { bench: 'limits/bomb-memory', value: worst.megabytes, unit: 'MB', peer: null }
  yield { bench: 'limits/bomb-refusal', value: worst.milliseconds, unit: 'ms', peer: null }

  const processes = await EdgeProcess.start(1)
  try {
    const part = { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }
    const content = Array.from({ length: PARTS }, () => part)
    const body = JSON.stringify({ model: 'pocket', messages: [{ role: 'user', content }] })
    const times: number[] = []
    for (let run = -5; run < runs; run++) {
      const startedMs = performance.now()
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`${processes.edgeUrl}/v1/chat/completions`, {
        method: 'POST',
        headers,
        body,
      })
      const text = await response.text()
      if (!text.includes('too_many_audio_parts'))
        throw new Error(`it was answered with ${text.slice(0, 200)}`)
      if (run >= 0) times.push(performance.now() - startedMs)
    }
    yield { bench: 'limits/parts-refusal', value: Math.max(...times), unit: 'ms', peer: null }
  } finally {
    await processes.stop()
  }
}
export default limits

const bounds = { maxSeconds: MAX_SECONDS, maxBytes: defaultLimits.maxAudioBytes }

/** How long it takes to refuse a file, and by how much the process grows meanwhile. */
async function refuse(bytes: Uint8Array): Promise<{ megabytes: number; milliseconds: number }> {
  const before = process.memoryUsage.rss()
  let most = before
  const sampling = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, SAMPLE_MS)
  const startedMs = performance.now()
  const error = await decodeAudio(bytes, bounds).catch((reason: unknown) => reason)
  const milliseconds = performance.now() - startedMs
  clearInterval(sampling)
  if (!(error instanceof ApiError) || error.status >= 500) throw new Error(`it was not refused: ${error}`)
  const grown = Math.max(most, process.memoryUsage.rss()) - before
  const allowed = bytes.byteLength + MAX_SECONDS * SAMPLE_RATE_HZ * Float32Array.BYTES_PER_ELEMENT
  return { megabytes: Math.max(0, grown - allowed) / 1024 / 1024, milliseconds }
}
