/** Recorded and spoken clips of the fixtures, with what is said in them. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { decodeAudio } from '../gpu-worker/audio/decode.ts'

export interface SpeechClip {
  readonly path: string
  readonly bytes: Uint8Array
  readonly text: string
  readonly seconds: number
}

const SETS = ['telephone-prompts', 'spoken-messages', 'spoken-sentences', 'spoken-questions']
const LIMITS = { maxSeconds: 600, maxBytes: 26_214_400 }

/** All clips between two lengths, seconds. Nothing was trained on them. */
export async function speechClips(shortest = 0, longest = Number.POSITIVE_INFINITY): Promise<SpeechClip[]> {
  const clips: SpeechClip[] = []
  for (const set of SETS) {
    const folder = new URL(`../test/fixtures/${set}/`, import.meta.url)
    const manifest = JSON.parse(await readFile(new URL('manifest.json', folder), 'utf8')) as {
      file: string
      text: string
    }[]
    for (const { file, text } of manifest) {
      const url = new URL(file, folder)
      const bytes = await readFile(url)
      const { durationSeconds } = await decodeAudio(bytes, LIMITS)
      if (durationSeconds < shortest || durationSeconds > longest) continue
      clips.push({ path: fileURLToPath(url), bytes, text, seconds: durationSeconds })
    }
  }
  return clips
}
