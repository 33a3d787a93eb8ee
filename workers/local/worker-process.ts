/** Runs the worker as a child process: starts it, learns its port, starts it again when it dies, ends it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import type { WorkerAddress } from '../../src/fleet/choose.ts'

/** What to run and how. */
export interface WorkerProcessOptions {
  /** The script that serves; it prints `{"event":"listening","port":N}` on a line of its stdout when it does. */
  script: string
  environment: NodeJS.ProcessEnv
  /** Takes what the worker prints otherwise, line by line. */
  log: (line: string) => void
  /** Waits before a restart; tests pass their own. */
  wait?: (milliseconds: number) => Promise<void>
}

const firstRestartDelayMs = 250
const longestRestartDelayMs = 15_000
/** A worker that ran for so long had started well: the next restart waits no longer than the first. */
const healthyAfterMs = 30_000
/** How long a worker may finish what it is at before it is killed. */
const drainMs = 30_000

/** Young objects in 8 MB: as fast as V8's 32 (docs/log.md), and its memory grows 50 MB less, and not for hours. */
const nodeOptions = ['--max-semi-space-size=8']

/** One worker process, over all its restarts. */
export class WorkerProcess {
  readonly #options: WorkerProcessOptions
  #child: ChildProcess | null = null
  #address: WorkerAddress | null = null
  #starts = 0
  #stopping = false
  #delayMs = firstRestartDelayMs
  #exited: Promise<void> = Promise.resolve()

  constructor(options: WorkerProcessOptions) {
    this.#options = options
  }

  /** Where the worker listens now; nowhere while it starts. A worker that was started again has another id. */
  addresses(): WorkerAddress[] {
    return this.#address === null ? [] : [this.#address]
  }

  /** Process id of the running child, or null. */
  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** Starts the worker, and keeps it running until `stop`. */
  start(): void {
    const startedAt = performance.now()
    this.#starts++
    const child = spawn(
      process.execPath,
      [
        ...nodeOptions,
        '--import',
        new URL('./exit-with-parent.ts', import.meta.url).href,
        this.#options.script,
      ],
      {
        env: { ...this.#options.environment, HOST: '127.0.0.1', PORT: '0' },
        // Its own group: an interrupt at the terminal goes to us alone, and we end the worker when all is answered.
        detached: true,
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      },
    )
    this.#child = child
    createInterface({ input: child.stdout! }).on('line', line => this.#onLine(line))
    this.#exited = new Promise(resolve => {
      child.once('error', error => this.#options.log(`worker: ${error.message}`))
      child.once('close', (code, signal) => {
        this.#child = null
        this.#address = null
        resolve()
        if (!this.#stopping) void this.#restart(performance.now() - startedAt, code ?? signal ?? 'unknown')
      })
    })
  }

  /** Asks the worker to end, waits until it has, and kills it when it takes longer than 30 s. */
  async stop(): Promise<void> {
    this.#stopping = true
    const child = this.#child
    if (child === null) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), drainMs)
    await this.#exited
    clearTimeout(timer)
  }

  #onLine(line: string): void {
    const event = parseEvent(line)
    if (event === null) this.#options.log(line)
    else if (event.event === 'listening') {
      this.#address = { id: `local-${this.#starts}`, url: `http://127.0.0.1:${event.port}` }
    } else if (event.event === 'failed') this.#options.log(`worker: it could not start: ${event.message}`)
  }

  async #restart(ranMs: number, how: number | string): Promise<void> {
    if (ranMs > healthyAfterMs) this.#delayMs = firstRestartDelayMs
    this.#options.log(`worker: ended (${how}); starting it again in ${this.#delayMs / 1000} s`)
    const wait = this.#options.wait ?? (ms => new Promise(resolve => setTimeout(resolve, ms)))
    await wait(this.#delayMs)
    this.#delayMs = Math.min(this.#delayMs * 2, longestRestartDelayMs)
    if (!this.#stopping) this.start()
  }
}

/** The script of this repository's worker. */
export const defaultWorkerScript: string = fileURLToPath(new URL('../../gpu-worker/main.ts', import.meta.url))

/** What the worker reports of itself, a JSON object a line. */
const WorkerEvent = z.discriminatedUnion('event', [
  z.object({ event: z.literal('listening'), port: z.int().min(1).max(65535) }),
  z.object({ event: z.literal('ready') }),
  z.object({ event: z.literal('draining') }),
  z.object({ event: z.literal('failed'), message: z.string() }),
])
type WorkerEvent = z.infer<typeof WorkerEvent>

/** The event of a line of the worker's output, or null where the line is something else. */
export function parseEvent(line: string): WorkerEvent | null {
  if (!line.startsWith('{')) return null
  try {
    return WorkerEvent.safeParse(JSON.parse(line)).data ?? null
  } catch {
    return null
  }
}
