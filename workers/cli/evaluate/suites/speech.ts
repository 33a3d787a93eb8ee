/** Speech recognition: the sets of Qwen2-Audio's paper by the layouts that they are published in. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sample, Task } from '../sample.ts'
import { readNamedTable, readTable } from './table.ts'

const english: Task = { kind: 'transcribe', language: 'en', units: 'words' }
const chinese: Task = { kind: 'transcribe', language: 'zh', units: 'characters' }
/** Languages that are written without spaces. */
const WITHOUT_SPACES = new Set(['zh', 'ja', 'th', 'lo', 'my', 'km', 'yue'])

/** `FOLDER/SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt` beside `SPEAKER-CHAPTER-NUMBER.flac`, as in `LibriSpeech/test-clean`. */
export async function librispeech(folder: string): Promise<Sample[]> {
  const samples: Sample[] = []
  for (const path of (await readdir(folder, { recursive: true })).sort()) {
    if (!path.endsWith('.trans.txt')) continue
    const chapter = join(folder, path, '..')
    for (const line of (await readFile(join(folder, path), 'utf8')).split('\n')) {
      const [id = '', ...words] = line.trim().split(' ')
      if (id === '') continue
      const audio = join(chapter, `${id}.flac`)
      samples.push({ set: 'librispeech', id, audio, reference: words.join(' '), task: english })
    }
  }
  return samples
}

/** `wav.scp` (id, path) and `trans.txt` (id, text), as in `AISHELL-2/iOS/test`. */
export async function aishell2(folder: string): Promise<Sample[]> {
  const pairs = async (name: string) => {
    const lines = (await readFile(join(folder, name), 'utf8')).split('\n')
    return lines.flatMap(line => {
      const match = /^(\S+)\s+(.+?)\s*$/.exec(line)
      return match === null ? [] : [[match[1]!, match[2]!] as const]
    })
  }
  const texts = new Map(await pairs('trans.txt'))
  return (await pairs('wav.scp')).map(([id, path]) => ({
    set: 'aishell2',
    id,
    audio: join(folder, path),
    reference: texts.get(id) ?? '',
    task: chinese,
  }))
}

/** `test.tsv` (path, sentence) and `clips/`, as in `cv-corpus-15.0-2023-09-08/en`; the folder's name is the language. */
export async function commonVoice(folder: string): Promise<Sample[]> {
  const rows = readNamedTable(
    await readFile(join(folder, 'test.tsv'), 'utf8'),
    '\t',
    ['path', 'sentence'],
    false,
  )
  const language = languageOf(folder)
  return rows.map(({ path, sentence }) => ({
    set: `common voice ${language}`,
    id: path,
    audio: join(folder, 'clips', path),
    reference: sentence,
    task: transcribing(language),
  }))
}

/** `test.tsv` (id, file, text as written, ...) without a header and `audio/test/`, as in Hugging Face's `data/cmn_hans_cn`. */
export async function fleurs(folder: string): Promise<Sample[]> {
  const language = languageOf(folder)
  return readTable(await readFile(join(folder, 'test.tsv'), 'utf8'), '\t', false).map(row => {
    const [, file = '', written = ''] = row
    return {
      set: `fleurs ${language}`,
      id: file,
      audio: join(folder, 'audio/test', file),
      reference: written,
      task: transcribing(language),
    }
  })
}

/** The language that a folder is named by: `cmn_hans_cn` and `zh-CN` are Chinese. */
export function languageOf(folder: string): string {
  const name = folder.replace(/\/+$/, '').split('/').at(-1)!.toLowerCase()
  const [language = ''] = name.split(/[-_]/)
  return language === 'cmn' ? 'zh' : language
}

function transcribing(language: string): Task {
  return { kind: 'transcribe', language, units: WITHOUT_SPACES.has(language) ? 'characters' : 'words' }
}
