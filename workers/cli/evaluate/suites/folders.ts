/** Recordings of your own: a folder a label. */
import { readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { NONE_OF_THESE, type Sample } from '../sample.ts'

const AUDIO = /\.(aac|flac|m4a|mp3|mp4|oga|ogg|opus|wav|webm)$/i

/**
 * `LABEL/*.wav` and other audio; what lies in `none_of_these/` fits none of the labels.
 * @throws Error where there are fewer than two labels
 */
export async function labelledFolders(folder: string): Promise<Sample[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const folders = entries.flatMap(entry => (entry.isDirectory() ? [entry.name] : [])).toSorted()
  const labels = folders.filter(name => name !== NONE_OF_THESE)
  if (labels.length < 2)
    throw new Error(`${folder} has no two folders with recordings, each named after its label.`)
  const task = { kind: 'classify' as const, labels, prompt: null }
  const samples: Sample[] = []
  for (const label of folders) {
    const set =
      label === NONE_OF_THESE ? `${basename(resolve(folder))}: none of these` : basename(resolve(folder))
    const files = (await readdir(join(folder, label))).filter(file => AUDIO.test(file)).toSorted()
    for (const file of files)
      samples.push({ set, id: `${label}/${file}`, audio: join(folder, label, file), reference: label, task })
  }
  return samples
}
