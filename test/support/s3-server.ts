/** A real S3 server over a folder (versitygw), and a client of it. `scripts/install-test-servers.sh` installs it. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { S3Client } from '@aws-sdk/client-s3'
import { freePort } from './free-port.ts'

export interface S3Server {
  /** Without a path. */
  url: string
  bucket: string
  client: S3Client
  /** What `openStore` takes from the environment. */
  environment: Record<string, string>
  stop(): Promise<void>
}

const folder =
  process.env['AURICLE_TEST_SERVERS'] ?? fileURLToPath(new URL('../../build/servers', import.meta.url))

/** Starts it with an empty bucket. */
export async function startS3Server(): Promise<S3Server> {
  const root = await mkdtemp(join(tmpdir(), 'auricle-s3-'))
  const bucket = 'auricle-test'
  await mkdir(join(root, 'data', bucket), { recursive: true })
  await mkdir(join(root, 'attributes'))
  const port = await freePort()
  const credentials = { accessKeyId: 'tester', secretAccessKey: 'tester-secret' }
  const server = spawn(
    join(folder, 'versitygw'),
    [
      ...['--port', `127.0.0.1:${port}`, '--quiet'],
      ...['--access', credentials.accessKeyId, '--secret', credentials.secretAccessKey],
      // Not every folder for temporary files has extended attributes.
      ...['posix', '--sidecar', join(root, 'attributes'), join(root, 'data')],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const exited = new Promise<void>(resolve => server.once('close', () => resolve()))
  const failed = new Promise<never>((_resolve, reject) => {
    server.once('error', () => reject(new Error('versitygw is missing: run scripts/install-test-servers.sh')))
    server.once('close', code => reject(new Error(`versitygw ended with ${code}`)))
  })
  failed.catch(() => {})
  const url = `http://127.0.0.1:${port}`
  await Promise.race([failed, answers(url)])
  const client = new S3Client({ endpoint: url, region: 'us-east-1', forcePathStyle: true, credentials })
  return {
    url,
    bucket,
    client,
    environment: {
      AURICLE_STORE: `s3://${bucket}`,
      AWS_ENDPOINT_URL_S3: url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    async stop() {
      client.destroy()
      server.kill('SIGTERM')
      await exited
      await rm(root, { recursive: true })
    },
  }
}

async function answers(url: string): Promise<void> {
  while (true) {
    if (
      (await fetch(url).then(
        response => response.body?.cancel(),
        () => 'not yet',
      )) !== 'not yet'
    )
      return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
