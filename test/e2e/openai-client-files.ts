/** Files and uploads by the official `openai` client, wherever the edge keeps them. */
import { createHash } from 'node:crypto'
import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { countingClient, type Target } from './openai-client-suite.ts'

/** Declares the suite; `start` is called once. */
export function describeFiles(name: string, start: () => Promise<Target>): void {
  describe(`${name}: files by the openai client`, () => {
    let target: Target
    let client: OpenAI
    beforeAll(async () => {
      target = await start()
      client = countingClient(target.url).client
    })
    afterAll(() => target?.stop())

    test('keeps a file, gives it back, and deletes it', async () => {
      const bytes = recording(700_000)
      const file = await client.files.create({ file: await toFile(bytes, 'a.wav'), purpose: 'user_data' })
      expect(file).toMatchObject({ bytes: 700_000, filename: 'a.wav', status: 'processed' })
      const content = new Uint8Array(await (await client.files.content(file.id)).arrayBuffer())
      expect(Buffer.compare(content, bytes)).toBe(0)
      expect((await client.files.list()).data.map(({ id }) => id)).toContain(file.id)
      await client.files.delete(file.id)
      await expect(client.files.retrieve(file.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    })

    test('uploads a large file in parts', async () => {
      const bytes = recording(12_000_000)
      const upload = await client.uploads.create({
        filename: 'long.wav',
        bytes: bytes.byteLength,
        mime_type: 'audio/wav',
        purpose: 'user_data',
      })
      const ids: string[] = []
      for (let at = 0; at < bytes.byteLength; at += 5_000_000) {
        const data = await toFile(bytes.subarray(at, at + 5_000_000), 'part')
        ids.push((await client.uploads.parts.create(upload.id, { data })).id)
      }
      const { file } = await client.uploads.complete(upload.id, { part_ids: ids })
      expect(file).toMatchObject({ sha256: createHash('sha256').update(bytes).digest('hex') })
      await client.files.delete(file!.id)
    })

    test('names a file in a request', async () => {
      const file = await client.files.create({
        file: await toFile(recording(100), 'a.wav'),
        purpose: 'user_data',
      })
      const content = [
        { type: 'file' as const, file: { file_id: file.id } },
        { type: 'text' as const, text: 'What do you hear?' },
      ]
      const answer = await client.chat.completions.create({
        model: target.model,
        messages: [{ role: 'user', content }],
      })
      expect(answer.choices).toHaveLength(1)
      await client.files.delete(file.id)
    })

    test('names a file in a form', async () => {
      const file_id = `file-${'0'.repeat(32)}`
      const form = { model: target.model, file_id } as never
      expect(await client.audio.transcriptions.create(form)).toMatchObject({ text: file_id })
    })
  })
}

function recording(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes).map((_, i) => (i * 31 + (i >> 9)) & 255)
}
