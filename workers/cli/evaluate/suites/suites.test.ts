// Tiny folders in the layouts that the sets are published in.
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { UsageError } from '../../usage-error.ts'
import { suiteOf } from '../evaluate.ts'
import { labelledFolders } from './folders.ts'
import { aishell2, commonVoice, fleurs, librispeech } from './speech.ts'
import { readNamedTable, readTable } from './table.ts'
import { airBench, covost2, meld, vocalSound } from './understanding.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auricle-suites-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function write(path: string, text: string): Promise<string> {
  const file = join(folder, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  return file
}

test('librispeech', async () => {
  await write('84/121123/84-121123.trans.txt', '84-121123-0000 GO DO YOU HEAR\n84-121123-0001 BUT IN\n')
  await write('1089/134686/1089-134686.trans.txt', '1089-134686-0000 HE HOPED\n')
  const samples = await librispeech(folder)
  expect(samples.map(({ id, reference }) => [id, reference])).toEqual([
    ['1089-134686-0000', 'HE HOPED'],
    ['84-121123-0000', 'GO DO YOU HEAR'],
    ['84-121123-0001', 'BUT IN'],
  ])
  expect(samples[1]).toMatchObject({
    audio: join(folder, '84/121123/84-121123-0000.flac'),
    task: { kind: 'transcribe', language: 'en', units: 'words' },
  })
})

test('folders of recordings, each named after its label', async () => {
  for (const file of ['dog/b.wav', 'dog/a.MP3', 'dog/notes.txt', 'car horn/1.ogg', 'none_of_these/rain.flac'])
    await write(`sounds/${file}`, '')
  const samples = await labelledFolders(join(folder, 'sounds'))
  expect(samples.map(({ set, id, reference }) => [set, id, reference])).toEqual([
    ['sounds', 'car horn/1.ogg', 'car horn'],
    ['sounds', 'dog/a.MP3', 'dog'],
    ['sounds', 'dog/b.wav', 'dog'],
    ['sounds: none of these', 'none_of_these/rain.flac', 'none_of_these'],
  ])
  expect(samples[0]!.task).toEqual({ kind: 'classify', labels: ['car horn', 'dog'], prompt: null })
  await expect(labelledFolders(join(folder, 'sounds/dog'))).rejects.toThrow('named after its label')
})

test('aishell2', async () => {
  await write('wav.scp', 'IT0011W0001\twav/T0011/IT0011W0001.wav\n')
  await write('trans.txt', 'IT0011W0001\t换一首歌\n')
  expect(await aishell2(folder)).toEqual([
    {
      set: 'aishell2',
      id: 'IT0011W0001',
      audio: join(folder, 'wav/T0011/IT0011W0001.wav'),
      reference: '换一首歌',
      task: { kind: 'transcribe', language: 'zh', units: 'characters' },
    },
  ])
})

test('common voice, in the language of its folder', async () => {
  const header = 'client_id\tpath\tsentence\tup_votes\n'
  await write('fr/test.tsv', `${header}a\tcommon_voice_fr_1.mp3\tIl a dit "oui".\t2\n`)
  expect(await commonVoice(join(folder, 'fr'))).toEqual([
    {
      set: 'common voice fr',
      id: 'common_voice_fr_1.mp3',
      audio: join(folder, 'fr/clips/common_voice_fr_1.mp3'),
      reference: 'Il a dit "oui".',
      task: { kind: 'transcribe', language: 'fr', units: 'words' },
    },
  ])
  await write('zh-CN/test.tsv', `${header}a\tb.mp3\t你好\t2\n`)
  const [chinese] = await commonVoice(join(folder, 'zh-CN'))
  expect(chinese).toMatchObject({ set: 'common voice zh', task: { units: 'characters' } })
})

test('fleurs', async () => {
  await write('cmn_hans_cn/test.tsv', '1904\t1.wav\t这并不是告别。\t这 并 不 是 告 别\t这|并\t180480\tMALE\n')
  expect(await fleurs(join(folder, 'cmn_hans_cn'))).toMatchObject([
    {
      set: 'fleurs zh',
      audio: join(folder, 'cmn_hans_cn/audio/test/1.wav'),
      reference: '这并不是告别。',
      task: { language: 'zh', units: 'characters' },
    },
  ])
})

test('covost2, into the language of its name', async () => {
  const text = 'path\tsentence\ttranslation\tclient_id\na.mp3\tHello.\tHallo.\tx\n'
  const [german] = await covost2(await write('covost_v2.en_de.test.tsv', text))
  expect(german).toMatchObject({
    set: 'covost2 en-de',
    audio: join(folder, 'clips/a.mp3'),
    reference: 'Hallo.',
    task: { kind: 'translate', prompt: 'Translate the speech into German.', tokenizer: '13a' },
  })
  const [chinese] = await covost2(await write('covost_v2.en_zh-CN.test.tsv', text))
  expect(chinese).toMatchObject({ task: { prompt: 'Translate the speech into Chinese.', tokenizer: 'zh' } })
  await expect(covost2(await write('test.tsv', text))).rejects.toThrow('covost_v2.en_de.test.tsv')
})

test('meld', async () => {
  const header = 'Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season\n'
  await write('test_sent_emo.csv', `${header}1,"Why, ""yes"",\nI do!",Mark,surprise,positive,0,12,3\n`)
  expect(await meld(folder)).toMatchObject([
    {
      id: 'dia0_utt12',
      audio: join(folder, 'output_repeated_splits_test/dia0_utt12.wav'),
      reference: 'surprise',
      task: { kind: 'classify', labels: expect.arrayContaining(['surprise', 'neutral']) },
    },
  ])
})

test('vocalsound', async () => {
  const data = [{ wav: '/data/sls/audio_16k/f0003_0_throatclearing.wav', labels: '/m/0dl9sf8' }]
  await write('datafiles/te.json', JSON.stringify({ data }))
  expect(await vocalSound(folder)).toMatchObject([
    {
      audio: join(folder, 'audio_16k/f0003_0_throatclearing.wav'),
      reference: 'throat clearing',
      task: { labels: expect.arrayContaining(['throat clearing', 'sniff']) },
    },
  ])
})

test('air-bench, its choices and its chats', async () => {
  const question = { path: 'a.wav', task_name: 'Sound_AQA', dataset_name: 'avqa', uniq_id: 7 }
  const choices = { choice_a: 'a dog', choice_b: 'a cat ', choice_c: null, choice_d: null }
  const text = JSON.stringify([
    { ...question, ...choices, question: 'Who barks?', answer_gt: 'a dog' },
    { ...question, question: 'What happens?', answer_gt: 'A dog barks.' },
  ])
  expect(await airBench(await write('Foundation_meta.json', text))).toMatchObject([
    {
      set: 'air-bench: Sound_AQA',
      id: '7',
      audio: join(folder, 'Sound_AQA_avqa/a.wav'),
      reference: 'a dog',
      task: { kind: 'classify', labels: ['a dog', 'a cat'], prompt: 'Who barks?' },
    },
    {
      set: 'air-bench chat: Sound_AQA',
      task: { kind: 'answer', question: 'What happens?', accept: null },
    },
  ])
})

describe('suites', () => {
  test('built in: every recording is there, every label among its labels', async () => {
    const { samples, conditions } = await suiteOf(['built-in'])
    expect(conditions).toHaveLength(8)
    expect(new Set(samples.map(({ task }) => task.kind))).toEqual(
      new Set(['transcribe', 'answer', 'classify', 'obey', 'nothing']),
    )
    for (const { audio, task, reference } of samples) {
      expect(existsSync(audio), audio).toBe(true)
      if (task.kind === 'classify') expect(task.labels).toContain(reference)
    }
  })

  test('by name and path; another name is refused', async () => {
    await write('1/2/1-2.trans.txt', '1-2-0000 A\n')
    const { samples, conditions } = await suiteOf([`librispeech:${folder}`, `librispeech:${folder}`])
    expect([samples.length, conditions]).toEqual([2, ['clean']])
    await expect(suiteOf(['gigaspeech:x'])).rejects.toThrow(UsageError)
  })
})

describe('tables', () => {
  test('quoted values, line breaks in them, and quotes', () => {
    expect(readTable('a,"b,\n""c""",\r\n"",d', ',')).toEqual([
      ['a', 'b,\n"c"', ''],
      ['', 'd'],
    ])
    expect(readTable('a\t"b\n', '\t')).toEqual([['a', '"b']])
  })

  test('a column that is missing is named', () => {
    expect(() => readNamedTable('a\tb\n1\t2\n', '\t', ['c'])).toThrow("no column 'c'; it has a, b")
  })
})
