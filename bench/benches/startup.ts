/** From the start of `npm start` to the end of the first answer, and the memory it then holds. No peer. */
import { type Bench, median } from '../bench.ts'
import { cutClips } from '../clips.ts'
import { ServerProcess } from '../server-process.ts'

const CLIP_SECONDS = 5
const MAX_TOKENS = 16
/** The memory is read after an answer over a clip as long as the bundled recording allows. */
const LONG_CLIP_SECONDS = 10.9

const startup: Bench = async function* ({ runs = 5, log }) {
  const [clip] = await cutClips(1, CLIP_SECONDS)
  const [longClip] = await cutClips(1, LONG_CLIP_SECONDS)
  const firstAnswerMs: number[] = []
  const residentBytes: number[] = []
  for (let run = 0; run < runs; run++) {
    const server = await ServerProcess.start()
    try {
      const readyMs = performance.now() - server.startedMs
      const { answer } = await server.ask(clip!, 'What does the speaker say?', MAX_TOKENS)
      firstAnswerMs.push(performance.now() - server.startedMs)
      log(
        `ready after ${readyMs.toFixed(0)} ms, answered after ${firstAnswerMs.at(-1)!.toFixed(0)} ms: "${answer}"`,
      )
      await server.ask(longClip!, 'Transcribe the audio.', 128)
      residentBytes.push(await server.residentBytes())
    } finally {
      await server.stop()
    }
  }
  yield { bench: 'startup/first-answer', value: median(firstAnswerMs) / 1000, unit: 's', peer: null }
  yield { bench: 'startup/memory', value: median(residentBytes) / 1e6, unit: 'MB', peer: null }
}
export default startup
