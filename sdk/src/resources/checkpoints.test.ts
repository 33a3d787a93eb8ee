import { expect, test } from 'vitest'
import { scriptedClient } from '../scripted-server.ts'

test('two checkpoints are asked at once, audio and all', async () => {
  const { client, requests } = scriptedClient([Response.json({ answers: [], reward_margin: null })])
  const audio = new Blob([Uint8Array.of(1, 2, 3)])
  await client.checkpoints.compare({
    model: 'm',
    checkpoints: ['sft', 'dpo'],
    messages: [{ role: 'user', content: [{ type: 'audio', audio }] }],
  })
  expect(requests[0]!.url).toBe('http://server.test/v1/checkpoints/compare')
  expect(await requests[0]!.json()).toEqual({
    model: 'm',
    checkpoints: ['sft', 'dpo'],
    messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'AQID' } }] }],
  })
})
