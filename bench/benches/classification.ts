/**
 * Fifty labels over a clip of 5 s beside two of them (the fewest that the API takes): what is not read again. Through
 * `npm start` over HTTP, warm, the labels known; each round has clips of its own, and the two take turns in coming
 * first. Also about clips that were heard before, where only the prompt and the labels are left.
 */
import { taxonomies } from '../../src/protocol/taxonomies.ts'
import { type Bench, median } from '../bench.ts'
import { cutClips } from '../clips.ts'
import { ServerProcess } from '../server-process.ts'

const CLIP_SECONDS = 5
const WARM_UPS = 2
const FIFTY = taxonomies.sounds.slice(0, 50)
const TWO = ['dog', 'rain']

const classification: Bench = async function* ({ runs = 15, log }) {
  const clips = await cutClips(2 * (WARM_UPS + runs), CLIP_SECONDS)
  const server = await ServerProcess.start()
  try {
    const classify = async (clip: Buffer, labels: readonly string[]): Promise<number> => {
      const audio = { type: 'input_audio', input_audio: { data: clip.toString('base64') } }
      const startMs = performance.now()
      const response = await fetch(new URL('/v1/audio/classifications', server.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'pocket', audio, labels }),
      })
      if (!response.ok) throw new Error(await response.text())
      await response.json()
      return performance.now() - startMs
    }
    const taken = {
      new: { fifty: [] as number[], two: [] as number[] },
      heard: { fifty: [] as number[], two: [] as number[] },
    }
    for (let round = 0; round < WARM_UPS + runs; round++) {
      const [one, other] = [clips[2 * round]!, clips[2 * round + 1]!]
      const ways = [
        { clip: one, labels: FIFTY, to: 'fifty' },
        { clip: other, labels: TWO, to: 'two' },
      ] as const
      for (const kind of ['new', 'heard'] as const) {
        for (const { clip, labels, to } of round % 2 === 0 ? ways : ways.toReversed()) {
          const tookMs = await classify(clip, labels)
          if (round >= WARM_UPS) taken[kind][to].push(tookMs)
        }
      }
    }
    for (const kind of ['new', 'heard'] as const) {
      const { fifty, two } = taken[kind]
      log(`two labels, ${kind}: ${median(two).toFixed(0)} ms`)
      const peer = { name: 'two labels', value: median(two) }
      yield { bench: `classification/50-labels/${kind}`, value: median(fifty), unit: 'ms', peer }
    }
  } finally {
    await server.stop()
  }
}
export default classification
