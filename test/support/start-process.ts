/** Starts one of our processes for a test and waits until it says that it is ready. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface RunningProcess {
  baseUrl: string
  child: ChildProcess
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>
}

/**
 * The worker with the packs of the repository, on a free port.
 * @throws Error with what it wrote when it ends before it is ready
 */
export async function startWorker(environment: Record<string, string> = {}): Promise<RunningProcess> {
  const child = spawn(process.execPath, ['gpu-worker/main.ts'], {
    env: { ...process.env, HOST: '127.0.0.1', PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', data => {
    errors += data
  })
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  let port = 0
  for await (const line of createInterface({ input: child.stdout })) {
    const report = line.startsWith('{') ? (JSON.parse(line) as { event: string; port?: number }) : null
    if (report?.event === 'listening') port = report.port!
    if (report?.event === 'failed') throw new Error(line)
    if (report?.event === 'ready') {
      return {
        baseUrl: `http://127.0.0.1:${port}`,
        child,
        async stop() {
          child.kill('SIGTERM')
          await exited
        },
      }
    }
  }
  throw new Error(`the worker ended before it was ready:\n${errors}`)
}
