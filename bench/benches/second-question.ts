/**
 * The second question about the same 30 s of audio, to the first token of its answer, against the first question:
 * with the file sent again, and with its `audio_id` alone. Through `npm start` over HTTP, warm; each round has a
 * recording of its own, and the two ways take turns in coming first.
 */
import { createHash } from 'node:crypto'
import { type Bench, median } from '../bench.ts'
import { cutClips } from '../clips.ts'
import { ServerProcess } from '../server-process.ts'

const CLIP_SECONDS = 30
const WARM_UPS = 2
/** Words come whole once the next one begins: a few tokens bring the first of them out. */
const MAX_TOKENS = 4
const FIRST_QUESTION = 'What does the speaker say?'
const WAYS = [
  { name: 'file', question: 'What is the speech about?' },
  { name: 'audio-id', question: 'Who is the speaker talking to?' },
] as const

const secondQuestion: Bench = async function* ({ runs = 9, log }) {
  const clips = await cutClips(WARM_UPS + runs, CLIP_SECONDS)
  const server = await ServerProcess.start()
  try {
    const first: number[] = []
    const second = { file: [] as number[], 'audio-id': [] as number[] }
    for (const [round, clip] of clips.entries()) {
      const id = createHash('sha256').update(clip).digest('hex')
      const { firstTokenMs } = await server.ask(clip, FIRST_QUESTION, MAX_TOKENS)
      if (round >= WARM_UPS) first.push(firstTokenMs)
      for (const { name, question } of round % 2 === 0 ? WAYS : WAYS.toReversed()) {
        const asked = await server.ask(name === 'file' ? clip : id, question, MAX_TOKENS)
        if (round >= WARM_UPS) second[name].push(asked.firstTokenMs)
      }
    }
    log(`the first question: ${median(first).toFixed(0)} ms`)
    for (const { name } of WAYS) {
      const peer = { name: 'the first question', value: median(first) }
      yield { bench: `second-question/${name}`, value: median(second[name]), unit: 'ms', peer }
    }
  } finally {
    await server.stop()
  }
}
export default secondQuestion
