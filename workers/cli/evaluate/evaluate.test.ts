import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { UsageError } from '../usage-error.ts'
import { conditions, overTelephone, withNoise } from './conditions.ts'
import { evaluate } from './evaluate.ts'
import { confusionOf, figuresOf, judge } from './judge.ts'
import { comparisonOf, reportOf } from './report.ts'
import { type Figure, readFigures } from './results.ts'
import { formats, type Sample, saysNothing, type Task } from './sample.ts'

const sample = (task: Task, reference: string, set = 'set'): Sample => ({
  set,
  id: 'a',
  audio: 'a.wav',
  reference,
  task,
})
const said = (text: string) => ({ text, tokens: 3, audioSeconds: 2, milliseconds: 500 })
const words: Task = { kind: 'transcribe', language: 'en', units: 'words' }

describe('judging', () => {
  test('transcripts, by words in their normal form', () => {
    const results = [
      judge(sample(words, 'Mr. Smith has two dogs.'), 'clean', said('mister smith has 2 cats')),
      judge(sample(words, 'Yes.'), 'clean', said('')),
    ]
    expect(results.map(({ errors, units }) => [errors, units])).toEqual([
      [1, 5],
      [1, 1],
    ])
    const [figure, ...others] = figuresOf('m', results)
    expect(figure).toMatchObject({ metric: 'error rate', unit: '%', count: 2, lower_is_better: true })
    expect(figure!.value).toBeCloseTo((100 * 2) / 6, 9)
    expect(others.map(({ metric, value }) => [metric, value])).toEqual([
      ['answer length', 3],
      ['time', 0.5],
    ])
  })

  test.each<[string, Task, string, string, boolean | null]>([
    ['the right label', { kind: 'classify', labels: ['a', 'b'], prompt: null }, 'a', 'a', true],
    ['another label', { kind: 'classify', labels: ['a', 'b'], prompt: null }, 'a', 'b', false],
    [
      'an answer that holds it',
      { kind: 'answer', question: 'q', accept: ['Paris'] },
      '',
      'It is paris.',
      true,
    ],
    ['an answer that does not', { kind: 'answer', question: 'q', accept: ['Paris'] }, '', 'Rome', false],
    ['one that nobody judges', { kind: 'answer', question: 'q', accept: null }, '', 'Rome', null],
    ['a format', { kind: 'obey', question: 'q', format: 'json' }, '', '{"topic": "bees"}', true],
    ['words for no words', { kind: 'nothing' }, '', 'Thank you for watching.', false],
    ['nothing for no words', { kind: 'nothing' }, '', 'I did not hear any words, only rain.', true],
  ])('%s', (_, task, reference, answer, right) => {
    expect(judge(sample(task, reference), 'clean', said(answer)).right).toBe(right)
  })

  test('formats, and what says that nothing was heard', () => {
    expect(['Weather.', 'the weather', ''].map(formats['one word'])).toEqual([true, false, false])
    expect(['Yes', 'no.', 'yes, I do'].map(formats['yes or no'])).toEqual([true, true, false])
    expect(['HELLO, 1.', 'Hello', ''].map(formats['capital letters'])).toEqual([true, false, false])
    expect(['{"topic":1}', 'topic', '[]'].map(formats.json)).toEqual([false, false, false])
    expect(['', 'The recording is silent.', 'I hear a song'].map(saysNothing)).toEqual([true, true, false])
  })

  test('a translation by BLEU, and shares of what is right', () => {
    const translate: Task = { kind: 'translate', prompt: 'p', tokenizer: '13a' }
    const text = 'das ist ein kleiner Test .'
    expect(figuresOf('m', [judge(sample(translate, text), 'clean', said(text))])[0]).toMatchObject({
      metric: 'BLEU',
      value: expect.closeTo(100, 6),
    })
    const nothing = ['', 'You'].map(answer => judge(sample({ kind: 'nothing' }, ''), 'clean', said(answer)))
    expect(figuresOf('m', nothing)[0]).toMatchObject({
      metric: 'invented words',
      value: 50,
      lower_is_better: true,
    })
  })

  test('of what fits none of the labels, none is right', () => {
    const outside = sample({ kind: 'classify', labels: ['a', 'b'], prompt: null }, 'none_of_these')
    const results = [true, false].map(declined => judge(outside, 'clean', { ...said('a'), declined }))
    expect(results.map(({ answer, right }) => [answer, right])).toEqual([
      ['none_of_these', true],
      ['a', false],
    ])
    expect(figuresOf('m', results).map(({ metric, value }) => [metric, value])).toEqual([
      ['accuracy', 50],
      ['none of the labels', 50],
      ['time', 0.5],
    ])
  })

  test('what was taken for what', () => {
    const classify: Task = { kind: 'classify', labels: ['a', 'b'], prompt: null }
    const results = ['a', 'b', 'b'].map(answer => judge(sample(classify, 'a'), 'clean', said(answer)))
    expect(confusionOf(results)).toEqual({
      labels: ['a', 'b'],
      counts: [
        [1, 2],
        [0, 0],
      ],
    })
    expect(reportOf('m', { results, figures: figuresOf('m', results), failures: [] }).markdown).toContain(
      '| a | 1 | 2 |',
    )
  })
})

describe('conditions', () => {
  const tone = (hertz: number) =>
    Float32Array.from({ length: 16_000 }, (_, at) => 0.5 * Math.sin((2 * Math.PI * hertz * at) / 16_000))
  const power = (samples: Float32Array) =>
    samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length

  test.each([20, 5, 0])('noise lies %i dB below', decibels => {
    const clean = tone(440)
    const noise = withNoise(clean, decibels).map((sample, at) => sample - clean[at]!)
    expect(10 * Math.log10(power(clean) / power(noise))).toBeCloseTo(decibels, 0)
  })

  test('a telephone lets voices through, and neither hum nor hiss', () => {
    const share = (hertz: number) => power(overTelephone(tone(hertz)).subarray(2000)) / power(tone(hertz))
    expect(share(1000)).toBeGreaterThan(0.9)
    expect(share(50)).toBeLessThan(0.01)
    expect(share(7000)).toBeLessThan(0.01)
  })

  test('another speed is another length', () => {
    expect(conditions['speed 0.9']!(tone(440)).length).toBe(Math.ceil(16_000 / 0.9))
    expect(conditions['speed 1.1']!(tone(440)).length).toBe(Math.ceil(16_000 / 1.1))
    expect(conditions['clean']!(tone(440))).toEqual(tone(440))
  })
})

describe('two models beside each other', () => {
  const figure = (model: string, value: number, lower: boolean | null, metric = 'error rate'): Figure => ({
    type: 'figure',
    model,
    set: 's',
    condition: 'clean',
    metric,
    unit: '%',
    value,
    count: 3,
    lower_is_better: lower,
  })

  test('the better one is bold, whichever way is better', () => {
    const one = [figure('a', 5, true), figure('a', 80, false, 'accuracy'), figure('a', 9, null, 'length')]
    const other = [figure('b', 4, true), figure('b', 70, false, 'accuracy'), figure('b', 8, null, 'length')]
    expect(comparisonOf(one, other).split('\n').slice(2)).toEqual([
      '| s | clean | error rate, % | 5 | **4** | -1 |',
      '| s | clean | accuracy, % | **80** | 70 | -10 |',
      '| s | clean | length, % | 9 | 8 | -1 |',
    ])
  })
})

describe('the command', () => {
  let folder: string
  let printed: string[]
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'auricle-evaluate-'))
    printed = []
    vi.spyOn(console, 'log').mockImplementation(text => printed.push(text))
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
    await rm(folder, { recursive: true })
  })

  const usage = {
    prompt_tokens: 9,
    completion_tokens: 4,
    total_tokens: 13,
    prompt_tokens_details: { audio_tokens: 5, cached_tokens: 0 },
    audio: [],
  }
  const choice = (content: string) => ({
    index: 0,
    message: { role: 'assistant', content, refusal: null },
    logprobs: null,
    finish_reason: 'stop',
  })

  test('asks a server, writes a report and lines that can be compared', async () => {
    await writeFile(join(folder, '1-2.trans.txt'), '1-2-0000 HELLO THERE\n1-2-0001 NEVER\n')
    for (const name of ['1-2-0000', '1-2-0001']) await writeFile(join(folder, `${name}.flac`), 'fLaC')
    const asked: { url: string; model: string; temperature: number }[] = []
    vi.stubGlobal('fetch', async (url: URL, init: { body: string }) => {
      asked.push({ url: url.href, ...JSON.parse(init.body) })
      const choices = [choice(asked.length === 1 ? 'Hello, there!' : 'Nothing')]
      return Response.json({ id: 'c', object: 'chat.completion', created: 0, model: 'm', choices, usage })
    })
    const out = join(folder, 'out')
    await evaluate(['http://server.test', '--model', 'm', '--suite', `librispeech:${folder}`, '--out', out])
    expect(asked).toMatchObject([
      { url: 'http://server.test/v1/chat/completions', model: 'm', temperature: 0 },
      { model: 'm' },
    ])
    const lines = await readFile(join(out, 'results.jsonl'), 'utf8')
    expect(lines.split('\n')).toHaveLength(2 + 3 + 1)
    const [rate] = readFigures(lines)
    expect(rate).toMatchObject({ model: 'm', set: 'librispeech', metric: 'error rate', count: 2 })
    expect(rate!.value).toBeCloseTo(100 / 3, 9)
    expect(await readFile(join(out, 'report.md'), 'utf8')).toContain(
      '| librispeech | clean | error rate | 33.3 % | 2 |',
    )
    const file = join(out, 'results.jsonl')
    await evaluate(['compare', file, file])
    expect(printed.at(-1)).toContain('| librispeech | clean | error rate, % | 33.3 | 33.3 | 0 |')
  })

  test('goes on where one recording fails, and lists it', async () => {
    await writeFile(join(folder, '1-2.trans.txt'), '1-2-0000 HELLO\n1-2-0001 THERE\n')
    await writeFile(join(folder, '1-2-0000.flac'), 'fLaC')
    const choices = [choice('Hello')]
    vi.stubGlobal('fetch', async () =>
      Response.json({ id: 'c', object: 'chat.completion', created: 0, model: 'm', choices, usage }),
    )
    const out = join(folder, 'out')
    await evaluate(['http://server.test', '--suite', `librispeech:${folder}`, '--out', out])
    const report = await readFile(join(out, 'report.md'), 'utf8')
    expect(report).toContain('| error rate | 0 % | 1 |')
    expect(report).toMatch(/1 could not be tried:\n\n- \S+1-2-0001\.flac \(clean\): ENOENT/)
  })

  test('says which recording it failed at', async () => {
    await writeFile(join(folder, '1-2.trans.txt'), '1-2-0000 HELLO\n')
    await writeFile(join(folder, '1-2-0000.flac'), 'fLaC')
    const error = {
      error: { message: 'The model is not here.', type: 'x', param: null, code: 'model_not_found' },
    }
    vi.stubGlobal('fetch', async () => Response.json(error, { status: 404 }))
    const asked = evaluate(['http://server.test', '--suite', `librispeech:${folder}`, '--out', folder])
    await expect(asked).rejects.toThrow(/1-2-0000\.flac \(clean\): The model is not here\./)
  })

  test('wants to be told what it can do', async () => {
    await expect(evaluate(['--suite', 'none'])).rejects.toThrow(UsageError)
    await expect(evaluate(['a', 'b'])).rejects.toThrow(UsageError)
    await expect(evaluate(['compare', 'a'])).rejects.toThrow(UsageError)
    await expect(evaluate(['--only', 'no such set'])).rejects.toThrow('nothing to try')
  })
})
