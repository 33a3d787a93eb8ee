import { expect, test } from 'vitest'
import { openStore } from '../../src/storage/open-store.ts'
import { S3Store } from '../../src/storage/s3-store.ts'
import { describeObjectStore } from '../support/object-store-suite.ts'
import { startS3Server } from '../support/s3-server.ts'

describeObjectStore('S3Store with versitygw', async () => {
  const server = await startS3Server()
  const { client, bucket } = server
  // versitygw keeps objects as files of that name: none can stand where a folder does.
  return { store: new S3Store({ client, bucket, prefix: 'some/prefix/' }), nests: false, stop: server.stop }
})

test('s3://bucket/prefix opens it, by the variables that AWS names', async () => {
  const server = await startS3Server()
  Object.assign(process.env, server.environment)
  const store = await openStore(`s3://${server.bucket}/some/prefix`, process.env)
  await store.put('a', new Uint8Array(3), { contentType: 'audio/wav', maxBytes: 10 })
  const plain = new S3Store({ client: server.client, bucket: server.bucket })
  expect(await plain.head('some/prefix/a')).toMatchObject({ size: 3, contentType: 'audio/wav' })
  await expect(openStore('s3://', process.env)).rejects.toThrow('s3://bucket')
  await server.stop()
})
