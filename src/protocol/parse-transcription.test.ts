import { describe, expect, test } from 'vitest'
import type { MultipartForm } from './multipart.ts'
import { parseTranscriptionForm, parseTranslationForm } from './parse-transcription.ts'

function formOf(fields: Record<string, string | string[]>): MultipartForm {
  return {
    body: new Uint8Array(0),
    fields: new Map(
      Object.entries({ model: 'whisper-tiny.en', ...fields }).map(([name, v]) => [name, [v].flat()]),
    ),
    files: new Map([['file', { filename: 'a.wav', bytes: new Uint8Array(1) }]]),
  }
}
const parse = (fields: Record<string, string | string[]>) => parseTranscriptionForm(formOf(fields)).request

describe('the recording', () => {
  const fileId = `file-${'0'.repeat(32)}`
  const named = (fields: Record<string, string>) => ({ ...formOf(fields), files: new Map() })

  test('is the file of the form, or one that was uploaded', () => {
    expect(parseTranscriptionForm(formOf({})).recording).toMatchObject({ kind: 'sent' })
    for (const parse of [parseTranscriptionForm, parseTranslationForm]) {
      expect(parse(named({ file_id: fileId })).recording).toEqual({ kind: 'uploaded', fileId })
    }
  })

  test.each<[string, MultipartForm, string]>([
    ['neither', named({}), 'file'],
    ['both', formOf({ file_id: fileId }), 'file_id'],
    ['what is no id', named({ file_id: '../x' }), 'file_id'],
  ])('is not %s', (_, form, param) => {
    expect(() => parseTranscriptionForm(form)).toThrow(
      expect.objectContaining({ code: 'invalid_request', param }),
    )
  })
})

describe('a transcription', () => {
  test('has numbers, flags, lists and objects where a form has text', () => {
    const request = parse({
      language: 'en',
      temperature: '0',
      response_format: 'verbose_json',
      'timestamp_granularities[]': ['word', 'segment'],
      'chunking_strategy[type]': 'server_vad',
      'chunking_strategy[threshold]': '0.6',
      n_best: '3',
      'hotwords[]': ['ibuprofen', '12'],
      ngram_model: '[{"id":"ngm_abcdefgh","weight":0.7},{"id":"ngm_12345678","weight":0.3}]',
      ngram_weight: '.5',
      prompt: '',
    })
    expect(request).toEqual({
      model: 'whisper-tiny.en',
      language: 'en',
      temperature: 0,
      response_format: 'verbose_json',
      timestamp_granularities: ['word', 'segment'],
      chunking_strategy: { type: 'server_vad', threshold: 0.6 },
      n_best: 3,
      hotwords: ['ibuprofen', '12'],
      ngram_model: [
        { id: 'ngm_abcdefgh', weight: 0.7 },
        { id: 'ngm_12345678', weight: 0.3 },
      ],
      ngram_weight: 0.5,
    })
  })

  test('takes lists without brackets and objects as JSON, as people write them for curl', () => {
    expect(
      parse({ hotwords: ['a', 'b'], chunking_strategy: '{"type":"server_vad","threshold":0.4}' }),
    ).toMatchObject({
      hotwords: ['a', 'b'],
      chunking_strategy: { type: 'server_vad', threshold: 0.4 },
    })
    expect(parse({ stream: 'true', chunking_strategy: 'auto' })).toMatchObject({
      stream: true,
      chunking_strategy: 'auto',
    })
  })

  test.each<[Record<string, string | string[]>, string, string, RegExp]>([
    [{ temprature: '0' }, 'unsupported_parameter', 'temprature', /Did you mean 'temperature'/],
    [{ temperature: 'warm' }, 'invalid_request', 'temperature', /expected number/],
    [{ temperature: '1.5' }, 'invalid_request', 'temperature', /<=1/],
    [{ temperature: ['0', '1'] }, 'invalid_request', 'temperature', /more than once/],
    [{ language: 'English' }, 'invalid_request', 'language', /ISO 639-1/],
    [{ response_format: 'docx' }, 'invalid_request', 'response_format', /"json"/],
    [{ response_format: 'diarized_json' }, 'unsupported_parameter', 'response_format', /verbose_json/],
    [{ 'known_speaker_names[]': ['a'] }, 'unsupported_parameter', 'known_speaker_names', /speakers/],
    [{ 'languages[]': ['en'] }, 'unsupported_parameter', 'languages', /send the one language/],
    [{ 'timestamp_granularities[]': ['word'] }, 'invalid_request', 'timestamp_granularities', /verbose_json/],
    [
      { response_format: 'verbose_json', 'timestamp_granularities[]': ['letter'] },
      'invalid_request',
      'timestamp_granularities[0]',
      /word/,
    ],
    [{ 'include[]': ['logprobs'], response_format: 'text' }, 'invalid_request', 'include', /json/],
    [{ stream: 'true', response_format: 'srt' }, 'invalid_request', 'stream', /srt/],
    [{ stream: 'yes' }, 'invalid_request', 'stream', /boolean/],
    [{ n_best: '3' }, 'invalid_request', 'n_best', /verbose_json/],
    [{ n_best: '3', beam_size: '2', response_format: 'verbose_json' }, 'invalid_request', 'n_best', /widen/],
    [{ beam_size: '17' }, 'invalid_request', 'beam_size', /<=16/],
    [{ beam_size: '5', temperature: '0.2' }, 'invalid_request', 'beam_size', /temperature/],
    [{ ngram_weight: '1' }, 'invalid_request', 'ngram_weight', /needs ngram_model/],
    [{ ngram_model: '../../etc' }, 'invalid_request', 'ngram_model', /id/],
    [{ ngram_model: '[{' }, 'invalid_request', 'ngram_model', /JSON/],
    [{ chunking_strategy: 'sometimes' }, 'invalid_request', 'chunking_strategy', /auto/],
    [
      { 'chunking_strategy[type]': 'server_vad', 'chunking_strategy[threshold]': '2' },
      'invalid_request',
      'chunking_strategy.threshold',
      /<1/,
    ],
  ])('%j is refused', (fields, code, param, message) => {
    expect(() => parse(fields)).toThrow(
      expect.objectContaining({ code, param, message: expect.stringMatching(message) }),
    )
  })

  test('needs a model and a file', () => {
    const form = formOf({})
    expect(() => parseTranscriptionForm({ ...form, files: new Map() })).toThrow(/file: it is missing/)
    expect(() => parseTranscriptionForm({ ...form, fields: new Map() })).toThrow(/model: it is missing/)
  })
})

describe('a translation', () => {
  test('takes what OpenAI’s takes and nothing more', () => {
    expect(parseTranslationForm(formOf({ prompt: 'x', temperature: '0.5' })).request).toMatchObject({
      temperature: 0.5,
    })
    expect(() => parseTranslationForm(formOf({ language: 'de' }))).toThrow(/Unknown parameter 'language'/)
  })
})
