/** A few threads that decode, one file each at a time, so that a hostile file can stall or break nothing else. */
import { Worker } from 'node:worker_threads'
import { ApiError } from '../../src/protocol/errors.ts'
import type { DecodedFile, DecodeJob } from './decode-file.ts'
import type { DecodeReply, DecodeTask } from './decode-thread.ts'

/** How many threads, and how long a file, or the next piece of it, may take. */
export interface DecodePoolOptions {
  maxThreads: number
  /** Milliseconds that every file may take. Honest files need a tenth. */
  timeoutMs?: number
}

const DEFAULT_TIMEOUT_MS = 20_000
/** More milliseconds for large files. */
const TIMEOUT_MS_PER_MEGABYTE = 4_000
/** Heap of one thread; samples and WebAssembly memory lie outside it, and are limited by the length of the audio. */
const THREAD_HEAP_MB = 256

/** Pieces of a second and more that a thread is ahead of whoever takes them. */
const PIECES_AHEAD = 8

/** A file on its way. */
interface Task extends DecodeTask {
  /** The thread that works on it; null while it waits. */
  worker: Worker | null
  onPiece(samples: Float32Array): void
  /** Answers the caller, once; no file for one that went in pieces. */
  settle(answer: { file: DecodedFile | null } | { error: unknown }): void
}

/** Threads are started when work is there, and kept; they don't keep the process alive. */
export class DecodePool {
  readonly #maxThreads: number
  readonly #timeoutMs: number
  readonly #idle: Worker[] = []
  readonly #running = new Map<Worker, Task>()
  readonly #waiting: Task[] = []

  constructor({ maxThreads, timeoutMs = DEFAULT_TIMEOUT_MS }: DecodePoolOptions) {
    this.#maxThreads = maxThreads
    this.#timeoutMs = timeoutMs
  }

  /** Threads that are there. */
  get size(): number {
    return this.#idle.length + this.#running.size
  }

  /** Starts a thread before there is work, so that the first file doesn't wait for it (some 100 ms). */
  warm(): void {
    if (this.size === 0) this.#idle.push(this.#start())
  }

  /**
   * Decodes a file in a thread. `job.bytes` are copied.
   * @throws ApiError as decodeFile; the signal's reason when it is aborted, and then the thread is gone
   */
  async run(job: DecodeJob, signal?: AbortSignal): Promise<DecodedFile> {
    const file = await this.#enqueue({ job, credits: null }, () => {}, signal)
    return file!
  }

  /**
   * Decodes a file in a thread, no faster than its pieces are taken. Leaving off early ends the thread.
   * @throws ApiError as decodePieces; the signal's reason when it is aborted
   */
  async *stream(job: DecodeJob, signal: AbortSignal): AsyncGenerator<Float32Array> {
    const credits = new Int32Array(new SharedArrayBuffer(4)).fill(PIECES_AHEAD)
    const arrived: Float32Array[] = []
    const left = new AbortController()
    let wake = () => {}
    const onPiece = (samples: Float32Array) => {
      arrived.push(samples)
      wake()
    }
    let end: { error: unknown } | 'done' | null = null
    const work = this.#enqueue({ job, credits }, onPiece, AbortSignal.any([signal, left.signal]))
    work
      .then(
        () => 'done' as const,
        (error: unknown) => ({ error }),
      )
      .then(outcome => {
        end = outcome
        wake()
      })
    try {
      for (;;) {
        const piece = arrived.shift()
        if (piece) {
          Atomics.add(credits, 0, 1)
          Atomics.notify(credits, 0)
          yield piece
        } else if (end === null) {
          await new Promise<void>(resolve => {
            wake = resolve
          })
        } else if (end === 'done') return
        else throw (end as { error: unknown }).error
      }
    } finally {
      left.abort()
    }
  }

  #enqueue(
    work: DecodeTask,
    onPiece: (samples: Float32Array) => void,
    signal?: AbortSignal,
  ): Promise<DecodedFile | null> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => this.#cancel(task, signal?.reason)
      const task: Task = {
        ...work,
        worker: null,
        onPiece,
        settle: answer => {
          signal?.removeEventListener('abort', onAbort)
          if ('file' in answer) resolve(answer.file)
          else reject(answer.error)
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(task)
      this.#dispatch()
    })
  }

  /** Ends all idle threads. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map(worker => worker.terminate()))
  }

  #dispatch(): void {
    while (this.#waiting.length > 0 && (this.#idle.length > 0 || this.size < this.#maxThreads))
      this.#work(this.#idle.pop() ?? this.#start(), this.#waiting.shift()!)
  }

  #work(worker: Worker, task: Task): void {
    task.worker = worker
    this.#running.set(worker, task)
    const milliseconds = this.#timeoutMs + (task.job.bytes.length / 1e6) * TIMEOUT_MS_PER_MEGABYTE
    const timer = setTimeout(() => {
      // Without credits it is we who are waited for.
      if (task.credits?.[0] === 0) timer.refresh()
      else this.#cancel(task, gaveUp('took too long to decode'))
    }, milliseconds)
    const { settle, onPiece } = task
    task.onPiece = samples => {
      timer.refresh()
      onPiece(samples)
    }
    task.settle = answer => {
      clearTimeout(timer)
      settle(answer)
    }
    worker.ref()
    // A copy of its own: the memory around a view would be copied with it, and the caller may need the bytes again.
    // Not slice(): a Buffer's shares its memory.
    const bytes = new Uint8Array(task.job.bytes)
    const message: DecodeTask = { job: { ...task.job, bytes }, credits: task.credits }
    worker.postMessage(message, [bytes.buffer])
  }

  #onReply(worker: Worker, reply: DecodeReply): void {
    const task = this.#running.get(worker)
    if (!task) return
    if (reply.type === 'piece') {
      task.onPiece(reply.samples)
      return
    }
    this.#running.delete(worker)
    worker.unref()
    this.#idle.push(worker)
    task.settle(
      reply.type === 'failed'
        ? { error: new ApiError(reply.code, { message: reply.message }) }
        : { file: reply.type === 'decoded' ? reply.file : null },
    )
    this.#dispatch()
  }

  /** Gives a file up, and the thread with it: nothing else stops a decoder. */
  #cancel(task: Task, error: unknown): void {
    const at = this.#waiting.indexOf(task)
    if (at >= 0) this.#waiting.splice(at, 1)
    if (task.worker) {
      this.#running.delete(task.worker)
      void task.worker.terminate()
    }
    task.settle({ error })
    this.#dispatch()
  }

  /** A thread ended by itself: out of memory, or a decoder threw where nothing catches. */
  #onEnd(worker: Worker): void {
    const at = this.#idle.indexOf(worker)
    if (at >= 0) this.#idle.splice(at, 1)
    const task = this.#running.get(worker)
    if (task) this.#cancel(task, gaveUp('broke its decoder'))
  }

  #start(): Worker {
    const worker = new Worker(new URL('./decode-thread.ts', import.meta.url), {
      name: 'decode',
      resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB },
    })
    worker.unref()
    worker.on('message', (reply: DecodeReply) => this.#onReply(worker, reply))
    worker.on('error', () => this.#onEnd(worker))
    worker.on('exit', () => this.#onEnd(worker))
    return worker
  }
}

function gaveUp(what: string): ApiError {
  return new ApiError('audio_unreadable', {
    message: `The audio ${what} and was given up. Check that the file plays; convert it to WAV if it does.`,
  })
}
