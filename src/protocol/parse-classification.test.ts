import { describe, expect, test } from 'vitest'
import type { MultipartForm } from './multipart.ts'
import { labelsOf, parseClassificationForm, parseClassificationRequest } from './parse-classification.ts'

const audio = { type: 'input_audio', input_audio: { data: 'AAAA' } }
const labels = ['dog', 'cat']
const asked = (fields: object) => ({ model: 'pocket', audio, labels, ...fields })

describe('a request as JSON', () => {
  test('is taken with its labels trimmed', () => {
    expect(parseClassificationRequest(asked({ labels: [' dog ', 'cat'], top_k: null }))).toMatchObject({
      labels: ['dog', 'cat'],
    })
  })

  test.each([
    ['no labels', { labels: undefined }, 'labels', /it is missing.*taxonomy/],
    ['one label', { labels: ['dog'] }, 'labels', /expected array to have >=2/],
    ['a label twice', { labels: ['dog', ' dog'] }, 'labels', /stands there twice/],
    ['an empty label', { labels: ['dog', ' '] }, 'labels[1]', /it is empty/],
    ['a long label', { labels: ['dog', 'x'.repeat(101)] }, 'labels[1]', /<=100/],
    ['many labels', { labels: Array.from({ length: 201 }, (_, k) => `${k}`) }, 'labels', /<=200/],
    ['labels and a taxonomy', { taxonomy: 'digits' }, 'taxonomy', /send one of them/],
    ['no such taxonomy', { labels: undefined, taxonomy: 'smells' }, 'taxonomy', /"sounds"/],
    ['no audio', { audio: undefined }, 'audio', /it is missing/],
    ['text for audio', { audio: { type: 'text', text: 'a' } }, 'audio.type', /./],
    ['a threshold over 1', { threshold: 2 }, 'threshold', /<=1/],
    ['a misspelt field', { topk: 3 }, 'topk', /top_k/],
    [
      'no id of a file',
      { audio: { type: 'file', file: { file_id: 'x' } } },
      'audio.file.file_id',
      /file-0123/,
    ],
    ['no URL', { audio: { type: 'audio_url', audio_url: { url: 'ftp://a' } } }, 'audio.audio_url.url', /ftp/],
  ])('%s is refused by name', (_, fields, param, message) => {
    const parse = () => parseClassificationRequest(asked(fields))
    expect(parse).toThrow(expect.objectContaining({ param, message: expect.stringMatching(message) }))
  })
})

describe('a form', () => {
  const file = { filename: 'a.wav', bytes: new Uint8Array(4) }
  const form = (fields: Record<string, string[]>, files = new Map([['file', file]])): MultipartForm => ({
    body: new Uint8Array(),
    fields: new Map(Object.entries(fields)),
    files,
  })

  test('has the same fields, as text', () => {
    const fields = { model: ['m'], 'labels[]': labels, top_k: ['1'], multi_label: ['true'], prompt: [''] }
    const { request, recording } = parseClassificationForm(form(fields))
    expect(request).toEqual({ model: 'm', labels, top_k: 1, multi_label: true })
    expect(recording).toEqual({ kind: 'sent', file })
  })

  test('may name a file that was uploaded', () => {
    const file_id = `file-${'0'.repeat(32)}`
    const fields = { model: ['m'], taxonomy: ['digits'], file_id: [file_id] }
    const { request, recording } = parseClassificationForm(form(fields, new Map()))
    expect(labelsOf(request)).toContain('seven')
    expect(recording).toEqual({ kind: 'uploaded', fileId: file_id })
  })

  test('without a recording is refused', () => {
    const parse = () => parseClassificationForm(form({ model: ['m'], labels }, new Map()))
    expect(parse).toThrow(expect.objectContaining({ param: 'file' }))
  })
})
