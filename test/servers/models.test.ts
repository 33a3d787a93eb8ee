import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStore } from '../../src/storage/open-store.ts'
import { models } from '../../workers/cli/models/models.ts'
import { startS3Server } from '../support/s3-server.ts'
import { smallPack } from '../support/small-pack.ts'

test('auricle models add takes a pack from a bucket, a large file in pieces', async () => {
  const server = await startS3Server()
  Object.assign(process.env, server.environment)
  const location = `s3://${server.bucket}/packs/small`
  const store = await openStore(location, process.env)
  const files = smallPack(20_000_000)
  for (const [key, bytes] of Object.entries(files)) {
    await store.put(key, bytes, { contentType: 'application/octet-stream', maxBytes: 1e9 })
  }
  const folder = await mkdtemp(join(tmpdir(), 'auricle-models-'))
  await models(['add', 'mine', '--from', location, '--models', folder])
  expect(await readFile(join(folder, 'mine', 'model.onnx'))).toEqual(files['model.onnx'])
  await rm(folder, { recursive: true })
  await server.stop()
})
