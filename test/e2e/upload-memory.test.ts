/** 100 MB through the edge on Node, from a socket to a file, and how much of it was ever held. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { readConfiguration } from '../../workers/local/configuration.ts'
import { startLocal } from '../../workers/local/start-local.ts'
import { startFakeWorker } from '../support/fake-worker.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** Bytes that are held now: JavaScript's heap and the buffers outside it. */
async function heldBytes(): Promise<number> {
  // Buffers are freed beside the collection: the second one sees what the first let go.
  collectGarbage()
  await new Promise(resolve => setTimeout(resolve, 50))
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

test('100 MB are uploaded with less than 8 MB held', async () => {
  const root = await mkdtemp(join(tmpdir(), 'auricle-upload-'))
  const worker = await startFakeWorker()
  const server = await startLocal(
    readConfiguration({
      PORT: '0',
      AURICLE_WORKERS: worker.url,
      AURICLE_STORE: root,
      AURICLE_LOG_LEVEL: 'silent',
    }),
    {},
  )
  const post = async (path: string, body: object) => {
    const response = await fetch(server.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return response.json()
  }
  const upload = async (bytes: number) => {
    const { id, direct } = await post('/v1/uploads', { filename: 'a.wav', bytes, mime_type: 'audio/wav' })
    await sendFromElsewhere(direct.url, bytes)
    return (await post(`/v1/uploads/${id}/complete`, {})).file
  }
  // What is loaded once isn't what a request holds.
  await upload(1024 * 1024)

  const before = await heldBytes()
  const held: number[] = []
  const sampling = setInterval(async () => held.push((await heldBytes()) - before), 200)
  const file = await upload(100 * 1024 * 1024)
  clearInterval(sampling)
  expect(file.bytes).toBe(100 * 1024 * 1024)
  // The median: a collection that comes late counts what nobody holds any more. Whoever keeps the body holds half of it then.
  const median = held.sort((a, b) => a - b)[Math.floor(held.length / 2)]!
  expect(median / 1024 / 1024).toBeLessThan(8)

  await server.stop()
  await worker.stop()
  await rm(root, { recursive: true })
})

/** Sends that many bytes from another process, so that nothing of the sender's counts here. */
async function sendFromElsewhere(url: string, bytes: number): Promise<void> {
  const script = `
    let left = ${bytes}
    const body = new ReadableStream({
      pull(controller) {
        if (left === 0) return controller.close()
        const piece = new Uint8Array(Math.min(left, 65536)).fill(7)
        left -= piece.byteLength
        controller.enqueue(piece)
      },
    })
    const response = await fetch('${url}', { method: 'PUT', body, duplex: 'half' })
    process.exit(response.status === 200 ? 0 : 1)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'inherit' })
  const [code] = await once(child, 'close')
  expect(code).toBe(0)
}
