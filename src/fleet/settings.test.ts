import { expect, test } from 'vitest'
import { parseFleetSettings } from './settings.ts'

test('lists workers of ours and others, secrets, and how a worker is started', () => {
  const settings = parseFleetSettings({
    AURICLE_WORKERS: 'http://a:8081',
    AURICLE_UPSTREAMS: JSON.stringify([
      { url: 'https://vllm/base/', models: { 'qwen2-audio': 'Qwen/Qwen2-Audio-7B-Instruct' }, api_key: 'k' },
    ]),
    AURICLE_FLEET_SECRET: 'a-long-enough-secret, another-long-secret',
    AURICLE_STARTER: '{"kind":"webhook","url":"https://hook","models":["pocket"]}',
    AURICLE_MAX_WAIT_SECONDS: '12.5',
  })
  expect(settings).toEqual({
    workers: [
      { id: 'http://a:8081', url: 'http://a:8081' },
      {
        id: 'https://vllm/base',
        url: 'https://vllm/base',
        openai: {
          models: { 'qwen2-audio': 'Qwen/Qwen2-Audio-7B-Instruct' },
          apiKey: 'k',
          slots: 64,
          maxAudioSeconds: 30,
          transcription: 'chat',
          priorities: false,
        },
      },
    ],
    secrets: ['a-long-enough-secret', 'another-long-secret'],
    starter: { kind: 'webhook', url: 'https://hook', models: ['pocket'] },
    maxWaitMs: 12_500,
  })
  expect(parseFleetSettings({})).toEqual({ workers: [], secrets: [], starter: null, maxWaitMs: null })
})

test.each([
  [{ AURICLE_FLEET_SECRET: 'short' }, 'AURICLE_FLEET_SECRET: a secret has at least 16'],
  [{ AURICLE_UPSTREAMS: '{"api_key":"hush"' }, /^AURICLE_UPSTREAMS: it is not JSON\.$/],
  [{ AURICLE_UPSTREAMS: '[{"url":"http://a","models":{"x":""}}]' }, 'AURICLE_UPSTREAMS: 0: models: x'],
  [{ AURICLE_STARTER: '{"kind":"telepathy"}' }, 'AURICLE_STARTER: kind'],
  [{ AURICLE_MAX_WAIT_SECONDS: '-1' }, 'AURICLE_MAX_WAIT_SECONDS'],
])('%o is refused with its name', (variables, message) => {
  expect(() => parseFleetSettings(variables)).toThrow(message)
})
