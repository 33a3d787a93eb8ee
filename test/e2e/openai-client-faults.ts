/** What the official `openai` client sees through an edge when the worker behind it fails. Needs the fake worker. */
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FakeWorker } from '../support/fake-worker.ts'
import { countingClient, type Target } from './openai-client-suite.ts'

export interface FaultyTarget extends Target {
  worker: FakeWorker
}

/** Declares the suite; `start` is called once. */
export function describeFaults(name: string, start: () => Promise<FaultyTarget>): void {
  describe(`${name}: when the worker fails`, () => {
    let target: FaultyTarget
    const ask = (content: string) => ({ model: target.model, messages: [{ role: 'user' as const, content }] })

    beforeAll(async () => {
      target = await start()
    })
    afterAll(() => target?.stop())

    test.each([
      [400, OpenAI.BadRequestError, 1],
      [404, OpenAI.NotFoundError, 1],
      [413, OpenAI.APIError, 1],
      [429, OpenAI.RateLimitError, 3],
      [500, OpenAI.InternalServerError, 3],
      [502, OpenAI.InternalServerError, 3],
      [503, OpenAI.InternalServerError, 3],
      [504, OpenAI.InternalServerError, 3],
    ])(
      'status %i is raised as its class, after exactly the attempts it is worth',
      async (status, kind, expected) => {
        const { client, attempts } = countingClient(target.url, 2)
        const before = target.worker.seen.requests
        const error = await client.chat.completions
          .create(ask(`status ${status}`))
          .catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(kind)
        expect(error).toMatchObject({ status })
        expect(attempts()).toBe(expected)
        // The edge adds no attempt of its own: there is one worker, and it answered.
        expect(target.worker.seen.requests - before).toBe(expected)
      },
    )

    test('an answer that nobody can read becomes a worker_failed', async () => {
      const { client } = countingClient(target.url)
      const error = await client.chat.completions.create(ask('garbage')).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ status: 502, code: 'worker_failed' })
    })

    test('an answer that breaks off becomes a worker_failed', async () => {
      const { client } = countingClient(target.url)
      const error = await client.chat.completions.create(ask('break')).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ status: 502, code: 'worker_failed' })
    })

    test('a stream that breaks off raises a typed error after what came', async () => {
      const { client } = countingClient(target.url)
      const stream = await client.chat.completions.create({ ...ask('break'), stream: true })
      const texts: (string | null | undefined)[] = []
      const error = await (async () => {
        for await (const chunk of stream) texts.push(chunk.choices[0]!.delta.content)
      })().catch((thrown: unknown) => thrown)
      expect(texts).toEqual(['one ', 'two '])
      expect(error).toBeInstanceOf(OpenAI.APIError)
      expect(error).toMatchObject({ code: 'worker_failed', type: 'server_error' })
    })

    test('a client that leaves a stream stops the worker', async () => {
      const { client } = countingClient(target.url)
      const before = target.worker.seen.aborts
      const stream = await client.chat.completions.create({ ...ask('endless'), stream: true })
      for await (const chunk of stream) if (chunk.choices[0]!.delta.content === 'more ') break
      await expect.poll(() => target.worker.seen.aborts, { timeout: 10_000 }).toBe(before + 1)
    })

    test('a client that aborts a stream raises its own error or none, and the worker stops', async () => {
      const { client } = countingClient(target.url)
      const before = target.worker.seen.aborts
      const controller = new AbortController()
      const stream = await client.chat.completions.create(
        { ...ask('endless'), stream: true },
        { signal: controller.signal },
      )
      for await (const _ of stream) controller.abort()
      await expect.poll(() => target.worker.seen.aborts, { timeout: 10_000 }).toBe(before + 1)
    })

    test('the request id reaches the worker', async () => {
      const { client } = countingClient(target.url)
      await client.chat.completions.create(ask('Hello.'), { headers: { 'x-request-id': 'call-17' } })
      expect(target.worker.seen.requestIds.at(-1)).toBe('call-17')
    })

    test('a body over the limit is refused with 413, declared or not', async () => {
      const large = new Uint8Array(33 * 1024 * 1024).fill(32)
      const chunked = new ReadableStream({
        start(controller) {
          controller.enqueue(large)
          controller.close()
        },
      })
      for (const body of [large, chunked]) {
        const response = await fetch(`${target.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
          duplex: 'half',
        } as RequestInit)
        expect([response.status, (await response.json()).error.code]).toEqual([413, 'payload_too_large'])
      }
    })

    test('a body just under the limit arrives whole', async () => {
      const { client } = countingClient(target.url)
      const data = 'QUJD'.repeat(7 * 1024 * 1024)
      const answer = await client.chat.completions.create({
        model: target.model,
        messages: [
          { role: 'user', content: [{ type: 'input_audio', input_audio: { data, format: 'wav' } }] },
        ],
      })
      expect(answer.choices[0]!.message.content).toBe('[input_audio]')
    })

    test('readiness follows the worker', async () => {
      const ready = await fetch(`${target.url}/readyz`)
      expect([ready.status, (await ready.json()).workers]).toEqual([200, { ready: 1, total: 1 }])
      target.worker.readiness.status = 'draining'
      await expect
        .poll(async () => (await fetch(`${target.url}/readyz`)).status, { timeout: 10_000 })
        .toBe(503)
      const { client } = countingClient(target.url)
      const error = await client.chat.completions.create(ask('Hello.')).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ status: 503, code: 'worker_unavailable' })
      expect((await fetch(`${target.url}/healthz`)).status).toBe(200)
      target.worker.readiness.status = 'ready'
      await expect
        .poll(async () => (await fetch(`${target.url}/readyz`)).status, { timeout: 10_000 })
        .toBe(200)
    })
  })
}
