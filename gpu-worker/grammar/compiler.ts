/**
 * Compiles schemas for one vocabulary, in a thread: a hostile one takes that thread's time and memory, both limited,
 * and nobody else's. What was compiled lately is kept.
 */
import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { ApiError } from '../../src/protocol/errors.ts'
import { unsupported } from '../../src/protocol/json-schema.ts'
import type { TokenConstraint } from '../sampling/constraint.ts'
import type { CompileReply, CompileThreadData } from './compile-thread.ts'
import { Grammar } from './grammar.ts'
import { loadGrammarModule, type Vocabulary } from './instance.ts'

/** A compiler's bounds. */
export interface GrammarCompilerOptions {
  /** Compiled schemas that are kept, some 10 MB each. */
  maxKept?: number
  /** That are in use at the same time, at most: those of requests that wait as well. */
  maxHeld?: number
  /** Milliseconds that a schema may take; honest ones take 1 to 100. */
  timeoutMs?: number
  /** Schemas that may wait for the thread. */
  maxWaiting?: number
}

const DEFAULTS = { maxKept: 8, maxHeld: 32, timeoutMs: 5000, maxWaiting: 64 } as const
/** WebAssembly's frames lie on the thread's own stack: enough for the deepest schema that the wire takes. */
const STACK_MB = 16
const SCHEMA_PATH = ['response_format', 'json_schema', 'schema']

/** A grammar that one request holds: its memory is there until it is disposed of. */
export class HeldGrammar implements Disposable {
  readonly grammar: Grammar
  readonly #kept: KeptGrammar
  #isHeld = true

  constructor(grammar: Grammar, kept: KeptGrammar) {
    this.grammar = grammar
    this.#kept = kept
  }

  start(): TokenConstraint {
    return this.grammar.start()
  }

  [Symbol.dispose](): void {
    if (this.#isHeld) this.#kept.holders -= 1
    this.#isHeld = false
  }
}

interface KeptGrammar {
  readonly compiling: Promise<Grammar>
  holders: number
}

export class GrammarCompiler {
  readonly #vocabulary: Vocabulary
  readonly #options: Required<GrammarCompilerOptions>
  /** By hash of the schema, the one used last at the end. */
  readonly #kept = new Map<string, KeptGrammar>()
  #thread: Worker | null = null
  /** The end of what was asked of the thread so far: it does one at a time. */
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  /** Answers whoever waits for the thread. */
  #settle: ((reply: CompileReply) => void) | null = null

  constructor(vocabulary: Vocabulary, options: GrammarCompilerOptions = {}) {
    this.#vocabulary = vocabulary
    this.#options = { ...DEFAULTS, ...options }
  }

  /**
   * @param schema JSON of a schema that `checkJsonSchema` lets pass
   * @throws ApiError `json_schema_unsupported` with the path; `overloaded`
   */
  async compile(schema: string): Promise<HeldGrammar> {
    const key = createHash('sha256').update(schema).digest('hex')
    for (;;) {
      const kept = this.#kept.get(key) ?? this.#begin(schema)
      // Put behind the others: the map's order is that of use.
      this.#kept.delete(key)
      this.#kept.set(key, kept)
      kept.holders += 1
      try {
        const grammar = await kept.compiling
        if (!grammar.broken) return new HeldGrammar(grammar, kept)
        kept.holders -= 1
        if (this.#kept.get(key) === kept) this.#kept.delete(key)
      } catch (error) {
        if (this.#kept.get(key) === kept) this.#kept.delete(key)
        throw error
      }
    }
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#thread?.terminate()
  }

  /** @throws ApiError `overloaded` when as many as may be are in use */
  #begin(schema: string): KeptGrammar {
    for (const [key, { holders }] of this.#kept) {
      if (this.#kept.size < this.#options.maxKept) break
      if (holders === 0) this.#kept.delete(key)
    }
    if (this.#kept.size >= this.#options.maxHeld) {
      throw new ApiError('overloaded', {
        message: `${this.#kept.size} different schemas are in use. Try again shortly.`,
        retryAfterSeconds: 1,
      })
    }
    return { compiling: this.#enqueue(schema), holders: 0 }
  }

  async #enqueue(schema: string): Promise<Grammar> {
    if (this.#waiting >= this.#options.maxWaiting) {
      throw new ApiError('overloaded', {
        message: 'Too many schemas are waiting to be compiled. Try again shortly.',
        retryAfterSeconds: 1,
      })
    }
    this.#waiting++
    const turn = this.#last.then(() => this.#compileNow(schema))
    this.#last = turn.catch(() => {})
    try {
      return await turn
    } finally {
      this.#waiting--
    }
  }

  async #compileNow(schema: string): Promise<Grammar> {
    const module = await loadGrammarModule()
    this.#thread ??= this.#startThread(module)
    const reply = await this.#ask(this.#thread, schema)
    switch (reply.type) {
      case 'compiled':
        return new Grammar(module, reply.image, reply.matcher, this.#vocabulary.lengths.length)
      case 'refused':
        throw unsupported([...SCHEMA_PATH, ...reply.path], reasonOf(reply.message))
      case 'broken':
        throw unsupported(SCHEMA_PATH, 'it is too complex; use fewer alternatives and lower counts')
    }
  }

  #ask(thread: Worker, schema: string): Promise<CompileReply> {
    return new Promise(resolve => {
      const timer = setTimeout(() => this.#giveUp(thread), this.#options.timeoutMs)
      this.#settle = reply => {
        this.#settle = null
        clearTimeout(timer)
        thread.unref()
        resolve(reply)
      }
      thread.ref()
      thread.postMessage(schema)
    })
  }

  #startThread(module: WebAssembly.Module): Worker {
    const data: CompileThreadData = { module, vocabulary: this.#vocabulary }
    const thread = new Worker(new URL('./compile-thread.ts', import.meta.url), {
      name: 'grammar',
      workerData: data,
      resourceLimits: { stackSizeMb: STACK_MB },
    })
    thread.on('message', (reply: CompileReply) => this.#settle?.(reply))
    thread.on('error', () => this.#giveUp(thread))
    thread.on('exit', () => this.#giveUp(thread))
    return thread
  }

  /** The thread takes too long, or has ended by itself: the next schema gets another one. */
  #giveUp(thread: Worker): void {
    if (this.#thread !== thread) return
    this.#thread = null
    void thread.terminate()
    this.#settle?.({ type: 'broken' })
  }
}

/** The library's words as the rest of a sentence: its first line, without a full stop. */
function reasonOf(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim().slice(0, 200)
  const hint = line.startsWith('oneOf constraints')
    ? "alternatives of oneOf must exclude one another by a type, or by a required property's const; else use anyOf"
    : line
  if (line.includes('NoExtensionBias')) return 'no value can satisfy it'
  return hint.charAt(0).toLowerCase() + hint.slice(1).replace(/\.$/, '')
}
