/** `npm start` as a user runs it, from its first moment to its end, and what it holds of the memory. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { streamChat } from './stream-chat.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const POLL_MS = 10
const START_TIMEOUT_MS = 60_000

export class ServerProcess {
  readonly url: string
  readonly startedMs = performance.now()
  readonly #child: ChildProcess

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`
    this.#child = spawn('npm', ['start'], {
      cwd: ROOT,
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'inherit'],
      // A group of its own, so that npm, its shell and the server can be ended together ...
      detached: true,
    })
    // ... which also means that nobody else ends it.
    process.once('exit', () => this.#end())
  }

  /**
   * Starts on a free port; resolves when `GET /v1/models` answers.
   * @throws Error when it ends before, or takes a minute
   */
  static async start(): Promise<ServerProcess> {
    const server = new ServerProcess(await freePort())
    let ended = false
    server.#child.once('exit', () => {
      ended = true
    })
    for (;;) {
      const response = await fetch(`${server.url}/v1/models`).catch(() => null)
      await response?.body?.cancel()
      if (response?.ok) return server
      if (ended) throw new Error('npm start ended before it answered')
      if (performance.now() - server.startedMs > START_TIMEOUT_MS) {
        await server.stop()
        throw new Error('npm start did not answer within a minute')
      }
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    }
  }

  /**
   * Streams an answer about a recording.
   * @param audio a WAV file, or the `audio_id` of one that was sent before
   * @returns when the first token and the last came, from before the request was made up
   */
  async ask(audio: Buffer | string, question: string, maxTokens: number) {
    const { firstTokenMs, ...rest } = await streamChat(this.url, { audio, text: question, maxTokens })
    if (firstTokenMs === null) throw new Error('the answer was empty')
    return { firstTokenMs, ...rest }
  }

  /** Bytes of resident memory of npm, the server and its worker together (Linux). Shared pages count each time. */
  async residentBytes(): Promise<number> {
    const statuses = await Promise.all(
      (await readdir('/proc'))
        .filter(name => /^\d+$/.test(name))
        .map(async pid => ({ pid: Number(pid), ...(await readStatus(pid)) })),
    )
    const tree = new Set([this.#child.pid])
    // Children have larger process ids than their parents, but for a wrap-around: until nothing is added.
    for (let size = 0; size !== tree.size; ) {
      size = tree.size
      for (const { pid, parent } of statuses) if (tree.has(parent)) tree.add(pid)
    }
    return statuses.filter(({ pid }) => tree.has(pid)).reduce((sum, { bytes }) => sum + bytes, 0)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = new Promise(resolve => this.#child.once('exit', resolve))
    this.#end()
    await exited
  }

  #end(): void {
    const { exitCode, signalCode, pid } = this.#child
    if (exitCode === null && signalCode === null && pid) process.kill(-pid, 'SIGTERM')
  }
}

/** @param pid of a process that may have gone: it then counts nothing */
async function readStatus(pid: string): Promise<{ parent: number; bytes: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
  return { parent: field('PPid'), bytes: field('VmRSS') * 1024 }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
