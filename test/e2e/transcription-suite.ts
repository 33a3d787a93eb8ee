/** What anyone may expect who transcribes with the official `openai` client, whatever edge is before the real worker. */
import { readFile } from 'node:fs/promises'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  Transcription,
  TranscriptionVerbose,
  TranscriptStreamEvent,
} from '../../src/protocol/transcriptions.ts'
import { silentWav } from '../support/wav.ts'
import { wordErrors } from '../support/word-error-rate.ts'
import { countingClient, type Target } from './openai-client-suite.ts'

const prompt = new URL('../fixtures/telephone-prompts/conf-onlyone.opus', import.meta.url)
const said = 'There is currently one other participant in the conference.'
const model = 'whisper-tiny.en'

/** Declares the suite; `start` is called once. */
export function describeTranscriptions(name: string, start: () => Promise<Target>): void {
  describe(`${name}: transcriptions`, () => {
    let target: Target
    let client: OpenAI
    const recording = async () => new File([await readFile(prompt)], 'conf-onlyone.opus')
    const ask = async () => ({ file: await recording(), model })
    const heard = (text: string) => wordErrors(said, text).errors

    beforeAll(async () => {
      target = await start()
      client = countingClient(target.url).client
    })
    afterAll(() => target?.stop())

    test('lists what transcribes', async () => {
      const { data } = await client.models.list()
      expect(data.map(({ id }) => id)).toContain(model)
    })

    test('come as json', async () => {
      const answer = Transcription.parse(await client.audio.transcriptions.create(await ask()))
      expect(heard(answer.text)).toBe(0)
      expect(answer).toMatchObject({ no_speech: false, usage: { type: 'duration' } })
    })

    test('come as verbose_json with segments and words', async () => {
      const answer = TranscriptionVerbose.parse(
        await client.audio.transcriptions.create({
          ...(await ask()),
          response_format: 'verbose_json',
          timestamp_granularities: ['word', 'segment'],
        }),
      )
      expect(answer.language).toBe('english')
      expect(heard(answer.words!.map(({ word }) => word).join(' '))).toBe(0)
      expect(heard(answer.segments!.map(({ text }) => text).join(''))).toBe(0)
      const times = answer.words!.flatMap(({ start, end }) => [start, end])
      expect(times).toEqual(times.toSorted((one, other) => one - other))
      expect(times.at(-1)).toBeLessThanOrEqual(answer.duration)
    })

    test('come as text, srt and vtt', async () => {
      const as = async (response_format: 'text' | 'srt' | 'vtt') =>
        client.audio.transcriptions.create({ ...(await ask()), response_format })
      expect(heard(await as('text'))).toBe(0)
      expect(await as('srt')).toMatch(/^1\n00:00:00,\d{3} --> 00:00:0\d,\d{3}\nThere is .+\n\n$/)
      expect(await as('vtt')).toMatch(/^WEBVTT\n\n00:00:00\.\d{3} --> 00:00:0\d\.\d{3}\nThere is .+\n\n$/)
    })

    test('stream, with log-probabilities, what comes whole otherwise', async () => {
      const whole = await client.audio.transcriptions.create(await ask())
      const stream = await client.audio.transcriptions.create({
        ...(await ask()),
        stream: true,
        include: ['logprobs'],
      })
      const events: TranscriptStreamEvent[] = []
      for await (const event of stream) events.push(TranscriptStreamEvent.parse(event))
      const deltas = events.map(event => (event.type === 'transcript.text.delta' ? event.delta : ''))
      expect(deltas.join('')).toBe(whole.text)
      const done = events.at(-1)!
      expect(done).toMatchObject({ type: 'transcript.text.done', text: whole.text })
      expect('logprobs' in done && done.logprobs!.length).toBeGreaterThan(5)
    })

    test('say that there is no speech', async () => {
      const file = new File([Buffer.from(await silentWav(3), 'base64')], 'silence.wav')
      const answer = await client.audio.transcriptions.create({ file, model })
      expect(answer).toMatchObject({ text: '', no_speech: true })
    })

    test('are made by a chat model too', async () => {
      const answer = await client.audio.transcriptions.create({
        file: await recording(),
        model: target.model,
      })
      expect(heard(answer.text)).toBeLessThan(5)
      expect(answer.usage).toMatchObject({ type: 'tokens' })
    })

    test('raise an error for each mistake, once, that names the field', async () => {
      const empty = new File([], 'a.wav')
      const large = new File([new Uint8Array(26_214_401)], 'a.wav')
      const notes = new File(['Dear diary, this is not audio.'], 'a.wav')
      const mistakes: [object, unknown, string, string][] = [
        [{ model: 'no-such-model' }, OpenAI.NotFoundError, 'model_not_found', 'model'],
        [{ file: empty }, OpenAI.BadRequestError, 'audio_empty', 'file'],
        [{ file: notes }, OpenAI.BadRequestError, 'audio_unreadable', 'file'],
        [{ file: large }, OpenAI.APIError, 'payload_too_large', 'file'],
        [{ language: 'de' }, OpenAI.BadRequestError, 'invalid_request', 'language'],
        [{ temperature: 2 }, OpenAI.BadRequestError, 'invalid_request', 'temperature'],
        [
          { response_format: 'diarized_json' },
          OpenAI.BadRequestError,
          'unsupported_parameter',
          'response_format',
        ],
        [
          { timestamp_granularities: ['word'] },
          OpenAI.BadRequestError,
          'invalid_request',
          'timestamp_granularities',
        ],
        [
          { known_speaker_names: ['a'] },
          OpenAI.BadRequestError,
          'unsupported_parameter',
          'known_speaker_names',
        ],
      ]
      for (const [change, kind, code, param] of mistakes) {
        const { client: counted, attempts } = countingClient(target.url, 2)
        const error = await counted.audio.transcriptions
          .create({ ...(await ask()), ...change } as never)
          .catch((thrown: unknown) => thrown)
        expect(error, code).toBeInstanceOf(kind)
        expect(error).toMatchObject({ code, param, type: 'invalid_request_error' })
        expect(attempts()).toBe(1)
      }
    })

    test('are not translated by models of one language', async () => {
      const error = await client.audio.translations.create(await ask()).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ status: 400, code: 'unsupported_parameter', param: 'model' })
    })

    test('hypotheses of anybody are rescored by a model made here', async () => {
      const made = await post(target.url, 'ngram-models', {
        text: `${said}\nYou are the only participant.\n`,
      })
      const { hypotheses } = await post(target.url, 'audio/rescore', {
        ngram_model: made['id'],
        hypotheses: [
          { text: 'there is currently won other participant', acoustic_logprob: -3 },
          { text: 'there is currently one other participant', acoustic_logprob: -3.2 },
        ],
      })
      expect(hypotheses[0]).toMatchObject({ index: 1, unknown_words: [] })
    })
  })
}

/** The JSON of an answer that must be one. */
export async function post(url: string, path: string, body: object) {
  const response = await fetch(`${url}/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.status).toBe(200)
  return response.json()
}
