/**
 * grammar.wasm, typed: one instance holds one vocabulary and one compiled schema. Its memory can be taken as an image
 * and put into another instance, which is how a grammar leaves the thread that compiled it.
 */
import { readFile } from 'node:fs/promises'

/** A vocabulary as the module takes it: the bytes of all tokens one after the other. */
export interface Vocabulary {
  /** [tokens] bytes of each token; one without bytes (a special token) is never allowed, but for the ends. */
  readonly lengths: Uint16Array<ArrayBuffer>
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Ids that end an answer; at least one. */
  readonly ends: Uint32Array<ArrayBuffer>
}

/** An instance's memory without its zeros: of 17 MB some 10 are left. */
export interface MemoryImage {
  readonly byteLength: number
  /** Where each block lies. */
  readonly offsets: Uint32Array<ArrayBuffer>
  /** [offsets, BLOCK_BYTES] what the blocks hold. */
  readonly blocks: Uint8Array<ArrayBuffer>
}

/** What the module exports; see wasm/src/lib.rs. */
interface GrammarExports {
  memory: WebAssembly.Memory
  allocate(length: number): number
  load_vocabulary(lengths: number, tokens: number, bytes: number, ends: number, endCount: number): void
  clear_free_memory(): void
  compile(schema: number, length: number): number
  start(matcher: number): number
  finish(matcher: number): void
  mask(matcher: number): number
  accept(matcher: number, token: number): number
  message(): number
  message_length(): number
}

/** The module refuses a schema, or gives one up; its words are meant for the caller. */
export class GrammarError extends Error {
  override readonly name = 'GrammarError'
}

const PAGE_BYTES = 65_536
const BLOCK_BYTES = 4096
const ZEROS = Buffer.alloc(BLOCK_BYTES)

let compiled: Promise<WebAssembly.Module> | undefined

/** Reads and compiles grammar.wasm, once. */
export function loadGrammarModule(): Promise<WebAssembly.Module> {
  compiled ??= readFile(new URL('./grammar.wasm', import.meta.url)).then(file => WebAssembly.compile(file))
  return compiled
}

/** Its methods throw GrammarError for what the schema is to blame for, and RuntimeError when they break it. */
export class GrammarInstance {
  readonly #exports: GrammarExports

  constructor(module: WebAssembly.Module, image?: MemoryImage) {
    // The crate asks for the time to count it; nothing here depends on the answer.
    const instance = new WebAssembly.Instance(module, { env: { now: () => 0 } })
    this.#exports = instance.exports as unknown as GrammarExports
    if (image) this.#restore(image)
  }

  loadVocabulary({ lengths, bytes, ends }: Vocabulary): void {
    const at = [lengths, bytes, ends].map(part => this.#write(new Uint8Array(part.buffer)))
    this.#exports.load_vocabulary(at[0]!, lengths.length, at[1]!, at[2]!, ends.length)
    this.#exports.clear_free_memory()
  }

  /** @returns the matcher at the beginning of an answer */
  compile(schema: string): number {
    const bytes = new TextEncoder().encode(schema)
    return this.#checked(this.#exports.compile(this.#write(bytes), bytes.length))
  }

  /** Another matcher in the same state. */
  start(matcher: number): number {
    return this.#exports.start(matcher)
  }

  finish(matcher: number): void {
    this.#exports.finish(matcher)
  }

  /** Which tokens may come next: bit i % 32 of word i / 32. A view, valid until the next call. */
  mask(matcher: number, tokens: number): Uint32Array {
    const pointer = this.#checked(this.#exports.mask(matcher))
    return new Uint32Array(this.#exports.memory.buffer, pointer, Math.ceil(tokens / 32))
  }

  accept(matcher: number, token: number): void {
    this.#checked(this.#exports.accept(matcher, token))
  }

  /** The memory as it is, for another instance of the module. */
  image(): MemoryImage {
    const memory = Buffer.from(this.#exports.memory.buffer)
    const offsets: number[] = []
    for (let offset = 0; offset < memory.length; offset += BLOCK_BYTES) {
      if (ZEROS.compare(memory, offset, offset + BLOCK_BYTES) !== 0) offsets.push(offset)
    }
    const blocks = new Uint8Array(offsets.length * BLOCK_BYTES)
    for (const [index, offset] of offsets.entries()) {
      blocks.set(memory.subarray(offset, offset + BLOCK_BYTES), index * BLOCK_BYTES)
    }
    return { byteLength: memory.length, offsets: Uint32Array.from(offsets), blocks }
  }

  #restore({ byteLength, offsets, blocks }: MemoryImage): void {
    const { memory } = this.#exports
    memory.grow((byteLength - memory.buffer.byteLength) / PAGE_BYTES)
    const bytes = new Uint8Array(memory.buffer)
    for (const [index, offset] of offsets.entries()) {
      bytes.set(blocks.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES), offset)
    }
  }

  #write(bytes: Uint8Array): number {
    const pointer = this.#exports.allocate(bytes.length)
    new Uint8Array(this.#exports.memory.buffer).set(bytes, pointer)
    return pointer
  }

  /** 0 stands for a failure that the module can explain. */
  #checked(result: number): number {
    if (result !== 0) return result
    const { memory, message, message_length } = this.#exports
    const bytes = new Uint8Array(memory.buffer, message(), message_length())
    throw new GrammarError(new TextDecoder().decode(bytes).replace(/\s*<non-verbose\/>\s*$/, ''))
  }
}
