/** What is in infra/hosts, started by the hosts' own SDKs, with the real worker behind it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import OpenAI from 'openai'
import { afterEach, expect, test } from 'vitest'
import { newKey } from '../../src/keys/key-ring.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const servers = process.env['AURICLE_TEST_SERVERS'] ?? `${root}/build/servers`
const python = `${servers}/hosts/bin/python`
const children: ChildProcess[] = []

afterEach(() => {
  // A group each: the worker is a child of Python's.
  for (const { pid } of children.splice(0)) {
    try {
      process.kill(-pid!, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
})

function start(args: readonly string[], environment: Record<string, string>): () => string {
  const child = spawn(python, args, {
    cwd: root,
    detached: true,
    env: { ...process.env, AURICLE_ROOT: root, AURICLE_NODE: process.execPath, ...environment },
  })
  children.push(child)
  let output = ''
  child.stdout.on('data', text => (output += text))
  child.stderr.on('data', text => (output += text))
  return () => output
}

/** @param output what was written meanwhile, for when it never answers */
async function answers(url: string, output: () => string): Promise<Response> {
  for (let tries = 0; tries < 600; tries++) {
    const response = await fetch(url).catch(() => null)
    if (response?.ok) return response
    await response?.body?.cancel()
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error(output())
}

test('RunPod: jobs of its queue are answered by the worker, whole and event by event', async () => {
  const [port, workerPort] = [await freePort(), await freePort()]
  const output = start(['infra/hosts/runpod/handler.py', '--rp_serve_api', '--rp_api_port', `${port}`], {
    AURICLE_PORT: `${workerPort}`,
  })
  await answers(`http://127.0.0.1:${port}/openapi.json`, output)
  const run = async (input: object) => {
    const response = await fetch(`http://127.0.0.1:${port}/runsync`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input }),
    })
    return (await response.json()) as { status: string; output: unknown[] }
  }
  const asked = { model: 'pocket', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 4 }
  const whole = await run({ openai_route: '/v1/chat/completions', openai_input: asked })
  expect(whole).toMatchObject({
    status: 'COMPLETED',
    output: [{ object: 'chat.completion', model: 'pocket' }],
  })
  const { output: events } = await run({ path: '/v1/chat/completions', body: { ...asked, stream: true } })
  expect(events.at(-1)).toBe('data: [DONE]\n\n')
  expect(events.length).toBeGreaterThan(3)
  const wrong = await run({
    openai_route: '/v1/chat/completions',
    openai_input: { ...asked, model: 'nobody' },
  })
  expect(JSON.stringify(wrong)).toContain('model_not_found')
  expect(JSON.stringify(await run({ path: '/metrics' }))).toContain('not_found')
})

test('Modal: the app has what it needs, and starts the edge and its worker, for those who have a key', async () => {
  const port = await freePort()
  const { record, key } = await newKey({ tenant: 'acme', name: '', scopes: ['chat'] }, Date.now())
  const code = `
import importlib.util, json, os, time
spec = importlib.util.spec_from_file_location("app", "infra/hosts/modal/app.py")
app = importlib.util.module_from_spec(spec); spec.loader.exec_module(app)
print(json.dumps(sorted(app.app.registered_functions)), flush=True)
app.serve.local()
time.sleep(600)
`
  const output = start(['-u', '-c', code], {
    AURICLE_PORT: `${port}`,
    AURICLE_KEYS: JSON.stringify([record]),
  })
  await answers(`http://127.0.0.1:${port}/readyz`, output)
  expect(output()).toContain('["serve"]')
  const ask = (apiKey: string) =>
    new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey, maxRetries: 0 }).chat.completions.create({
      model: 'pocket',
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 4,
    })
  await expect(ask('wrong')).rejects.toThrow('401')
  expect((await ask(key)).choices).toHaveLength(1)
})

test('Modal: with a fleet it is a worker that registers; with neither fleet nor keys it does not start', async () => {
  const code = `
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("app", "infra/hosts/modal/app.py")
app = importlib.util.module_from_spec(spec); spec.loader.exec_module(app)
print(json.dumps(app.command(json.loads(sys.argv[1]))[0]))
`
  const command = async (environment: object) => {
    const { stdout } = await promisify(execFile)(python, ['-c', code, JSON.stringify(environment)], {
      cwd: root,
    })
    return JSON.parse(stdout)
  }
  expect(await command({ AURICLE_FLEET_URL: 'https://edge' })).toEqual(['node', 'gpu-worker/main.ts'])
  await expect(command({})).rejects.toThrow('AURICLE_KEYS')
})

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
