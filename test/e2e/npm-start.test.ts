/** `npm start` as a process, with the fake worker in the place of the real one. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { countingClient } from './openai-client-suite.ts'

const main = fileURLToPath(new URL('../../workers/local/main.ts', import.meta.url))
const fakeWorker = fileURLToPath(new URL('../support/fake-worker-process.ts', import.meta.url))

interface Started {
  child: ChildProcess
  /** What it has printed so far. */
  output: () => string
  url: () => Promise<string>
  workerPid: () => Promise<number>
}

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function start(environment: Record<string, string> = {}): Started {
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, PORT: '0', AURICLE_WORKER_SCRIPT: fakeWorker, ...environment },
  })
  children.push(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream!.setEncoding('utf8').on('data', piece => (text += piece))
  const find = async (pattern: RegExp) => {
    await expect.poll(() => pattern.exec(text)?.[1], { timeout: 20_000, message: text }).toBeDefined()
    return text
      .match(new RegExp(pattern, 'g'))!
      .map(match => pattern.exec(match)![1]!)
      .at(-1)!
  }
  return {
    child,
    output: () => text,
    url: () => find(/listens on (http:\S+?)\. /),
    workerPid: async () => Number(await find(/"pid":(\d+)/)),
  }
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const hello = { model: 'pocket', messages: [{ role: 'user' as const, content: 'Hello there.' }] }

describe('npm start', () => {
  test('says where it is when it answers, and serves API and page there', async () => {
    const { url, output } = start()
    const base = await url()
    expect((await fetch(`${base}/v1/models`)).status).toBe(200)
    expect(output()).toContain(`curl ${base}/v1/chat/completions`)
    const page = await fetch(base)
    expect(page.headers.get('content-type')).toContain('text/html')
  })

  test('starts the worker again when it dies, and answers again', async () => {
    const { url, workerPid, output } = start()
    const { client } = countingClient(await url(), 5)
    const first = await workerPid()
    process.kill(first, 'SIGKILL')
    await expect.poll(() => output(), { timeout: 20_000 }).toMatch(/starting it again/)
    await expect.poll(async () => (await workerPid()) !== first, { timeout: 20_000 }).toBe(true)
    expect((await client.chat.completions.create(hello)).choices[0]!.message.content).toBe('Hello there.')
  })

  test('finishes what it streams before it ends, and leaves no worker behind', async () => {
    const { child, url, workerPid } = start()
    const { client } = countingClient(await url())
    const pid = await workerPid()
    const words = Array.from({ length: 2000 }, (_, index) => `word${index}`).join(' ')
    const stream = await client.chat.completions.create({
      ...hello,
      messages: [{ role: 'user', content: words }],
      stream: true,
    })
    let text = ''
    for await (const chunk of stream) {
      if (text === '') child.kill('SIGTERM')
      text += chunk.choices[0]?.delta.content ?? ''
    }
    expect(text).toBe(words)
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false)
  })

  test('takes its worker with it when it is killed', async () => {
    const { child, url, workerPid } = start()
    await url()
    const pid = await workerPid()
    child.kill('SIGKILL')
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false)
  })

  test('waits longer before each restart of a worker that fails at once', async () => {
    const { output } = start({ FAKE_WORKER_FAILS: '1' })
    await expect
      .poll(output, { timeout: 20_000 })
      .toMatch(/again in 0\.25 s[\s\S]*again in 0\.5 s[\s\S]*again in 1 s/)
  })

  test.each([
    [{ HOST: '0.0.0.0' }, /AURICLE_ALLOW_REMOTE=1/],
    [{ PORT: 'many' }, /PORT/],
  ])('refuses %o and says why', async (environment, message) => {
    const { child, output } = start(environment as Record<string, string>)
    const [code] = await once(child, 'exit')
    expect(code).toBe(1)
    expect(output()).toMatch(message)
  })

  test('says when its port is taken', async () => {
    const first = start()
    const port = new URL(await first.url()).port
    const second = start({ PORT: port })
    await once(second.child, 'exit')
    expect(second.output()).toMatch(/Port \d+ is taken/)
  })
})
