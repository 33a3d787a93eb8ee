/** What anyone may expect who classifies recordings, whatever edge is before the real worker. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Classification } from '../../src/protocol/classifications.ts'
import { ErrorBody } from '../../src/protocol/errors.ts'
import { taxonomies } from '../../src/protocol/taxonomies.ts'
import type { Target } from './openai-client-suite.ts'

const fixtures = new URL('../fixtures/', import.meta.url)
const digits = taxonomies.digits
const kinds = taxonomies['speech-music-noise']

/** Recordings and what they are, by kind. */
const recordingsOfKinds: readonly (readonly [string, (typeof kinds)[number]])[] = [
  ['sounds/music-piano.opus', 'music'],
  ['sounds/music-guitar.opus', 'music'],
  ['sounds/music-drums.opus', 'music'],
  ['sounds/silence.opus', 'silence'],
  ['sounds/noise-white.opus', 'noise'],
  ['spoken-messages/03.opus', 'speech'],
  ['telephone-prompts/conf-onlyone.opus', 'speech'],
]

/** Declares the suite; `start` is called once. */
export function describeClassifications(name: string, start: () => Promise<Target>): void {
  describe(`${name}: classifications`, () => {
    let target: Target
    beforeAll(async () => {
      target = await start()
    })
    afterAll(() => target?.stop())

    const post = (body: BodyInit, headers: Record<string, string> = {}) =>
      fetch(new URL('/v1/audio/classifications', target.url), { method: 'POST', body, headers })
    const classify = async (file: string, fields: object) => {
      const data = await readFile(new URL(file, fixtures), 'base64')
      const audio = { type: 'input_audio', input_audio: { data } }
      return post(JSON.stringify({ model: target.model, audio, ...fields }), {
        'content-type': 'application/json',
      })
    }
    const answerOf = async (response: Response) => {
      expect(response.status).toBe(200)
      return Classification.parse(await response.json())
    }

    test('nine of ten spoken digits', async () => {
      const wrong: string[] = []
      for (const digit of digits) {
        const { results } = await answerOf(
          await classify(`spoken-digits/${digit}.opus`, { taxonomy: 'digits' }),
        )
        if (results[0]!.label !== digit) wrong.push(`${digit}: ${results[0]!.label}`)
      }
      expect(wrong.length, wrong.join()).toBeLessThanOrEqual(1)
    })

    test('speech, music, noise and silence', async () => {
      const wrong: string[] = []
      for (const [file, kind] of recordingsOfKinds) {
        const { results } = await answerOf(await classify(file, { labels: kinds }))
        if (results[0]!.label !== kind) wrong.push(`${file}: ${results[0]!.label}`)
      }
      expect(wrong.length, wrong.join()).toBeLessThanOrEqual(1)
    })

    test('every label comes with its numbers, best first, and the usage says what was heard', async () => {
      const response = await classify('spoken-digits/seven.opus', { labels: digits })
      const { label, labels, results, none_of_these, usage, object } = await answerOf(response)
      expect([object, label, labels]).toEqual(['audio.classification', 'seven', ['seven']])
      expect(new Set(results.map(({ index }) => index))).toEqual(new Set(digits.keys()))
      const scores = results.map(({ score }) => score)
      expect(scores).toEqual(scores.toSorted((a, b) => b - a))
      expect(scores.reduce((sum, score) => sum + score, none_of_these)).toBeCloseTo(1, 6)
      expect(results[0]!.margin).toBeCloseTo(-results[1]!.margin, 9)
      const [audio] = usage.audio
      expect(audio!.seconds_encoded).toBeCloseTo(audio!.seconds_received, 2)
      // The same audio again is known by its id, and gives the same to the last bit.
      const again = { type: 'audio_url', audio_url: { url: `audio:${audio!.audio_id}` } }
      const second = await answerOf(
        await classify('spoken-digits/one.opus', { labels: digits, audio: again }),
      )
      expect(second.results).toEqual(results)
    })

    test('a form with a file says the same as JSON', async () => {
      const form = new FormData()
      form.append('file', new Blob([await readFile(new URL('spoken-digits/two.opus', fixtures))]), 'two.opus')
      form.append('model', target.model)
      for (const digit of digits) form.append('labels[]', digit)
      form.append('top_k', '3')
      const { results, label } = await answerOf(await post(form))
      expect(label).toBe('two')
      const json = await answerOf(await classify('spoken-digits/two.opus', { labels: digits, top_k: 3 }))
      expect(results).toEqual(json.results)
    })

    test.each([
      ['one label', { labels: ['dog'] }, 400, 'labels'],
      ['a model that is not there', { labels: ['a', 'b'], model: 'none' }, 404, 'model'],
      ['a checkpoint that is not there', { labels: ['a', 'b'], model: 'pocket:none' }, 404, 'model'],
      [
        'audio that is none',
        { labels: ['a', 'b'], audio: { type: 'input_audio', input_audio: { data: 'AAAA' } } },
        400,
        'audio',
      ],
    ])('%s is refused by name', async (_, fields, status, param) => {
      const response = await classify('spoken-digits/two.opus', fields)
      expect(response.status).toBe(status)
      expect(ErrorBody.parse(await response.json()).error.param).toBe(param)
    })

    test('a form whose file is no audio is refused by the name of its field', async () => {
      const form = new FormData()
      form.append('file', new Blob(['nothing to hear']), 'a.wav')
      form.append('model', target.model)
      form.append('taxonomy', 'digits')
      const response = await post(form)
      const { error } = ErrorBody.parse(await response.json())
      expect([response.status, error.param]).toEqual([400, 'file'])
      expect(error.message).not.toContain('audio:')
    })
  })
}
