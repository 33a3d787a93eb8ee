/**
 * Real processes: an edge and three workers, of which one is killed (SIGKILL) again and again while clients ask. What had
 * not begun to stream must not fail; what had must end in a typed error.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { type AddressInfo, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { doneData, parseEvents } from '../../src/protocol/sse.ts'
import { readConfiguration } from '../../workers/local/configuration.ts'
import { startLocal } from '../../workers/local/start-local.ts'

export interface ChaosOptions {
  /** `fake` computes nothing; `real` is the worker with the pocket pack. */
  workers: 'fake' | 'real'
  seconds: number
  killEveryMs: number
  /** Requests under way at any time. */
  clients: number
  log: (message: string) => void
}

export interface ChaosReport {
  kills: number
  /** Whole answers, and streams that came to their end. */
  answered: number
  /** Streams that ended in a typed error after they had begun. */
  broken: number
  /** What must not be: descriptions of it. */
  failures: string[]
}

const workerCount = 3
const restartAfterMs = 500

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const report: ChaosReport = { kills: 0, answered: 0, broken: 0, failures: [] }
  const ports = await Promise.all(Array.from({ length: workerCount }, freePort))
  const workers = ports.map(port => new MortalWorker(port, options.workers))
  await Promise.all(workers.map(worker => worker.start()))
  const urls = ports.map(port => `http://127.0.0.1:${port}`)
  const environment = { PORT: '0', AURICLE_WORKERS: urls.join(','), AURICLE_LOG_LEVEL: 'silent' }
  const edge = await startLocal(readConfiguration(environment), {})
  try {
    await edge.ready()
    const untilMs = performance.now() + options.seconds * 1000
    const clients = Array.from({ length: options.clients }, async (_, client) => {
      for (let round = 0; performance.now() < untilMs; round++) {
        await ask(edge.url, options.workers, (client + round) % 2 === 0, report)
      }
    })
    for (let kill = 0; performance.now() + options.killEveryMs < untilMs; kill++) {
      await wait(options.killEveryMs)
      await workers[kill % workerCount]!.dieAndComeBack()
      report.kills++
      options.log(`${report.kills} killed, ${report.answered} answered, ${report.broken} broken`)
    }
    await Promise.all(clients)
  } finally {
    await edge.stop()
    await Promise.all(workers.map(worker => worker.end()))
  }
  return report
}

async function ask(
  url: string,
  kind: ChaosOptions['workers'],
  stream: boolean,
  report: ChaosReport,
): Promise<void> {
  const words = Array.from({ length: 8 }, (_, index) => `word${index}`).join(' ')
  const text = kind === 'real' ? 'Count to ten.' : stream ? `slowly ${words}` : 'work 60'
  const expected = kind === 'real' ? null : text
  const fail = (why: string) => report.failures.push(`${stream ? 'stream' : 'whole'}: ${why}`)
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'pocket',
        stream,
        max_tokens: 24,
        messages: [{ role: 'user', content: text }],
      }),
    })
    if (response.status !== 200) return void fail(`status ${response.status}: ${await response.text()}`)
    if (!stream) {
      const body = (await response.json()) as { choices: { message: { content: string } }[] }
      const content = body.choices[0]!.message.content
      if (expected !== null && content !== expected) fail(`it said ${content}`)
      report.answered++
      return
    }
    let content = ''
    let end: string | null = null
    for await (const { data, event } of parseEvents(response.body!)) {
      if (end !== null) return void fail(`${data} came after its end`)
      if (data === doneData) end = 'done'
      else if (event === 'error') end = (JSON.parse(data) as { error: { code: string } }).error.code
      else {
        const chunk = JSON.parse(data) as { choices: { delta: { content?: string } }[] }
        content += chunk.choices[0]?.delta.content ?? ''
      }
    }
    if (end === null) return void fail('it ended without a last event')
    if (expected !== null && !expected.startsWith(content)) return void fail(`it said ${content}`)
    if (end === 'done') {
      if (expected !== null && content !== expected) return void fail(`it was cut: ${content}`)
      report.answered++
    } else if (end === 'worker_failed' && content !== '') report.broken++
    else fail(`${end} after ${content.length} characters`)
  } catch (error) {
    fail(String(error))
  }
}

/** A worker that is killed and started again at the same port. */
class MortalWorker {
  readonly #port: number
  readonly #kind: ChaosOptions['workers']
  #child: ChildProcess | null = null
  #restart: Promise<void> = Promise.resolve()
  #ended = false

  constructor(port: number, kind: ChaosOptions['workers']) {
    this.#port = port
    this.#kind = kind
  }

  async start(): Promise<void> {
    const script = this.#kind === 'fake' ? 'test/support/fake-worker-process.ts' : 'gpu-worker/main.ts'
    const child = spawn(process.execPath, [script], {
      env: {
        ...process.env,
        HOST: '127.0.0.1',
        PORT: String(this.#port),
        FAKE_WORKER_PORT: String(this.#port),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#child = child
    const awaited = this.#kind === 'fake' ? '"listening"' : '"ready"'
    for await (const line of createInterface({ input: child.stdout! })) if (line.includes(awaited)) break
    child.stdout!.resume()
  }

  /** Resolves when it is dead; it comes back by itself. */
  async dieAndComeBack(): Promise<void> {
    await this.#restart
    await this.#kill()
    this.#restart = wait(restartAfterMs).then(() => (this.#ended ? undefined : this.start()))
  }

  async end(): Promise<void> {
    this.#ended = true
    await this.#restart
    await this.#kill()
  }

  async #kill(): Promise<void> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const closed = new Promise(resolve => child.once('close', resolve))
    child.kill('SIGKILL')
    await closed
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

function wait(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
