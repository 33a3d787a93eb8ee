import { expect, it } from 'vitest'
import { readConfig } from './config.ts'

it('has defaults for everything', () => {
  const config = readConfig({})
  expect(config).toMatchObject({
    host: '127.0.0.1',
    engine: { slots: 8, slotCapacity: 4096 },
    runtime: { kind: undefined, library: undefined, provider: 'cpu', deviceIndex: 0 },
  })
  expect(config.threads).toBeGreaterThan(0)
})

it('takes numbers as text and refuses what is none, by name', () => {
  expect(readConfig({ AURICLE_SLOTS: '2', PORT: '0' })).toMatchObject({ port: 0, engine: { slots: 2 } })
  expect(() => readConfig({ AURICLE_SLOTS: 'many' })).toThrow('AURICLE_SLOTS')
  expect(() => readConfig({ AURICLE_RUNTIME: 'magic' })).toThrow('AURICLE_RUNTIME')
  expect(() => readConfig({ AURICLE_AUDIO_URLS: 'http://x/' })).toThrow('not a host name')
  expect(readConfig({ AURICLE_AUDIO_URLS: 'off' }).audioUrls.policy).toBeNull()
})
