/**
 * Clips of 5 to 15 s, one at a time, from the file's bytes to its text: milliseconds a clip beside faster-whisper's
 * int8, which has the published weights, at the same beam. With times (its default) and without.
 */
import { type Bench, median } from '../bench.ts'
import { startFasterWhisper } from '../references.ts'
import { speechClips } from '../speech-clips.ts'
import { Transcriber } from '../transcriber.ts'

const WAYS = [
  { name: 'beam-5', beamSize: 5, segmentTimestamps: true },
  { name: 'beam-5-text', beamSize: 5, segmentTimestamps: false },
  { name: 'greedy-text', beamSize: 1, segmentTimestamps: false },
]
const WARM_UPS = 2

const transcribeClips: Bench = async function* ({ threads, runs = 40, log }) {
  const clips = (await speechClips(5, 15)).slice(0, runs + WARM_UPS)
  const [ours, peer] = await Promise.all([Transcriber.load(threads), startFasterWhisper(threads)])
  try {
    const seconds = clips.reduce((sum, clip) => sum + clip.seconds, 0) / clips.length
    log(`${clips.length} clips of ${seconds.toFixed(1)} s on average`)
    for (const { name, beamSize, segmentTimestamps } of WAYS) {
      const times: { ours: number; theirs: number }[] = []
      for (const { bytes, path } of clips) {
        const heard = await ours.transcribe(bytes, { beamSize, segmentTimestamps })
        const theirs = await peer.ask<{ ms: number }>({ audio: path, beam_size: beamSize })
        times.push({ ours: heard.ms, theirs: theirs.ms })
      }
      const counted = times.slice(WARM_UPS)
      yield {
        bench: `transcribe-clips/${name}`,
        value: median(counted.map(time => time.ours)),
        unit: 'ms',
        peer: {
          name: `faster-whisper int8, beam ${beamSize}`,
          value: median(counted.map(time => time.theirs)),
        },
      }
    }
  } finally {
    await Promise.all([ours.close(), peer.close()])
  }
}
export default transcribeClips
