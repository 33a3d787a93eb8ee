/**
 * An hour of speech, from the file's bytes to its text: seconds beside faster-whisper's int8 at the same beam, seconds
 * until the first segment, and how much memory grows from the first ten minutes to the end.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeAudio } from '../../gpu-worker/audio/decode.ts'
import { encodeWav } from '../../web/wav.js'
import type { Bench } from '../bench.ts'
import { startFasterWhisper } from '../references.ts'
import { speechClips } from '../speech-clips.ts'
import { Transcriber } from '../transcriber.ts'

const SAMPLE_RATE_HZ = 16_000
const PAUSE_SECONDS = 0.6
const BEAM_SIZE = 5
const MEMORY_EVERY_MS = 250

const transcribeHour: Bench = async function* ({ threads, runs: minutes = 60, log }) {
  const wav = await recordingOf(minutes * 60)
  const directory = await mkdtemp(join(tmpdir(), 'auricle-bench-'))
  const [ours, peer] = await Promise.all([Transcriber.load(threads), startFasterWhisper(threads)])
  try {
    const path = join(directory, 'hour.wav')
    await writeFile(path, wav)
    const memory: { at: number; bytes: number }[] = []
    const started = performance.now()
    const timer = setInterval(
      () => memory.push({ at: performance.now() - started, bytes: process.memoryUsage.rss() }),
      MEMORY_EVERY_MS,
    )
    const heard = await ours.transcribe(wav, { beamSize: BEAM_SIZE, segmentTimestamps: true })
    clearInterval(timer)
    const theirs = await peer.ask<{ ms: number; text: string }>({ audio: path, beam_size: BEAM_SIZE })
    log(`ours ${heard.text.split(' ').length} words, theirs ${theirs.text.split(' ').length}`)
    yield {
      bench: 'transcribe-hour',
      value: heard.ms / 1000,
      unit: 's',
      peer: { name: `faster-whisper int8, beam ${BEAM_SIZE}`, value: theirs.ms / 1000 },
    }
    yield { bench: 'transcribe-hour/first-segment', value: heard.firstMs! / 1000, unit: 's', peer: null }
    const early = Math.max(...memory.filter(({ at }) => at < heard.ms / 6).map(({ bytes }) => bytes))
    const all = Math.max(...memory.map(({ bytes }) => bytes))
    yield { bench: 'transcribe-hour/memory-growth', value: (all - early) / 1e6, unit: 'MB', peer: null }
  } finally {
    await Promise.all([ours.close(), peer.close()])
    await rm(directory, { recursive: true })
  }
}
export default transcribeHour

/** The fixtures' clips one after the other, again and again, with pauses. */
async function recordingOf(seconds: number): Promise<Buffer> {
  const clips = await speechClips(3)
  const spoken = await Promise.all(
    clips.map(async ({ bytes }) => (await decodeAudio(bytes, { maxSeconds: 60, maxBytes: 1e7 })).samples),
  )
  const samples = new Float32Array(seconds * SAMPLE_RATE_HZ)
  for (let at = 0, index = 0; at < samples.length; index++) {
    const clip = spoken[index % spoken.length]!
    samples.set(clip.subarray(0, samples.length - at), at)
    at += clip.length + PAUSE_SECONDS * SAMPLE_RATE_HZ
  }
  return Buffer.from(await encodeWav(samples, SAMPLE_RATE_HZ).arrayBuffer())
}
