/** A peer in a process of its own: a JSON line in, a JSON line out, one at a time. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'

/** Speaks first: a line `{"ready":true}` once its model is loaded. A line with `error` is a failure. */
export class LineProcess {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #reader: Interface

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#reader = createInterface({ input: child.stdout! })
    this.#lines = this.#reader[Symbol.asyncIterator]()
  }

  /**
   * Starts a command and waits until it is ready; what it writes to stderr is shown.
   * @throws Error when it ends before
   */
  static async start(command: string, args: readonly string[]): Promise<LineProcess> {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    const process = new LineProcess(child)
    await process.#read()
    return process
  }

  /** @throws Error with the process's own words, or when it ends without an answer */
  async ask<Answer>(request: object): Promise<Answer> {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`)
    return (await this.#read()) as Answer
  }

  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#child.once('close', resolve))
    this.#reader.close()
    this.#child.kill()
    await closed
  }

  async #read(): Promise<unknown> {
    const { done, value } = await this.#lines.next()
    if (done) throw new Error(`${this.#child.spawnargs.join(' ')} ended`)
    const message = JSON.parse(value)
    if (message.error) throw new Error(`${this.#child.spawnargs[1]}: ${message.error}`)
    return message
  }
}
