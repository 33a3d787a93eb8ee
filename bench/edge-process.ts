/** Workers, fake or real, and an edge over them, each a process of its own; the edge is the one of `npm start`. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'

/** What came back, and how long it took. */
export interface TimedAnswer {
  status: number
  milliseconds: number
}

/** Ticks of the processor's clock a second, as /proc counts (USER_HZ; 100 on all Linux that there is). */
const TICKS_PER_SECOND = 100

export class EdgeProcess {
  readonly edgeUrl: string
  readonly workerUrls: readonly string[]
  readonly #children: ChildProcess[]
  /** Of this process, before it was pinned: what comes after it, and its children, shall have them again. */
  readonly #allowedCores: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4096 })

  private constructor(
    edgeUrl: string,
    workerUrls: readonly string[],
    children: ChildProcess[],
    allowedCores: string,
  ) {
    this.#allowedCores = allowedCores
    this.edgeUrl = edgeUrl
    this.workerUrls = workerUrls
    this.#children = children
    process.once('exit', () => this.#end())
  }

  /** The edge gets the first core for itself where there are several; fake workers and whoever asks, the second. */
  static async start(workers: number, kind: 'fake' | 'real' = 'fake'): Promise<EdgeProcess> {
    const children: ChildProcess[] = []
    const urls: string[] = []
    for (let i = 0; i < workers; i++) {
      const worker =
        kind === 'fake'
          ? start('test/support/fake-worker-process.ts', {}, '1')
          : start('gpu-worker/main.ts', { PORT: '0', HOST: '127.0.0.1' }, null)
      children.push(worker)
      urls.push(await firstMatch(worker, line => /"listening","port":(\d+)/.exec(line)?.[1]))
    }
    const allowed = /Cpus_allowed_list:\s*(\S+)/.exec(await readFile('/proc/self/status', 'utf8'))![1]!
    const workerUrls = urls.map(port => `http://127.0.0.1:${port}`)
    // What is refused would be a line each.
    const settings = { PORT: '0', AURICLE_WORKERS: workerUrls.join(','), AURICLE_LOG_LEVEL: 'error' }
    const edge = start('workers/local/main.ts', settings, kind === 'fake' ? '0' : null)
    children.push(edge)
    const edgeUrl = await firstMatch(edge, line => /listens on (http:\/\/[\w.]+:\d+)/.exec(line)?.[1])
    // Last: what is started afterwards would be on that core as well.
    if (kind === 'fake' && availableParallelism() > 1) pinThisProcess('1')
    return new EdgeProcess(edgeUrl, workerUrls, children, allowed)
  }

  /**
   * Asks, over connections that are kept.
   * @param text what the fake worker understands, or anything
   * @param startedMs when it should have been sent
   */
  ask(
    baseUrl: string,
    text: string,
    headers: Record<string, string> = {},
    startedMs = performance.now(),
  ): Promise<TimedAnswer> {
    const messages = [{ role: 'user', content: text }]
    const body = JSON.stringify({ model: 'pocket', max_tokens: 16, messages })
    return new Promise((resolve, reject) => {
      const sent = request(
        `${baseUrl}/v1/chat/completions`,
        {
          method: 'POST',
          agent: this.#agent,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            ...headers,
          },
        },
        response => {
          response.resume()
          response.once('error', reject)
          response.once('end', () => {
            resolve({ status: response.statusCode ?? 0, milliseconds: performance.now() - startedMs })
          })
        },
      )
      sent.once('error', reject)
      sent.end(body)
    })
  }

  /** Seconds of a processor that the edge has used since it started. */
  async edgeProcessorSeconds(): Promise<number> {
    const stat = await readFile(`/proc/${this.#children.at(-1)!.pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  }

  async stop(): Promise<void> {
    this.#agent.destroy()
    const gone = this.#children.map(child => new Promise(resolve => child.once('close', resolve)))
    this.#end()
    await Promise.all(gone)
    pinThisProcess(this.#allowedCores)
  }

  #end(): void {
    for (const child of this.#children) child.kill('SIGKILL')
  }
}

function pinThisProcess(cores: string): void {
  execFileSync('taskset', ['--all-tasks', '-cp', cores, String(process.pid)], { stdio: 'ignore' })
}

function start(script: string, environment: Record<string, string>, core: '0' | '1' | null): ChildProcess {
  const env = { ...process.env, ...environment }
  const command = [process.execPath, script]
  const isPinned = core !== null && availableParallelism() > 1
  const pinned = isPinned ? ['taskset', '-c', core, ...command] : command
  return spawn(pinned[0]!, pinned.slice(1), { env, stdio: ['ignore', 'pipe', 'inherit'] })
}

async function firstMatch(child: ChildProcess, match: (line: string) => string | undefined): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const found = match(line)
    if (found === undefined) continue
    child.stdout!.resume()
    return found
  }
  throw new Error('a process ended before it listened')
}

/** @param part 0.5 for the median, 0.99 for the slowest but one in a hundred */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}
