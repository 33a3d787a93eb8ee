import { ApiError } from '../../src/protocol/errors.ts'
import type { TokenConstraint } from '../sampling/constraint.ts'
import { GrammarError, GrammarInstance, type MemoryImage } from './instance.ts'

/** A compiled schema: what the tokens of an answer may be. Any number of answers can follow it at once. */
export class Grammar {
  readonly #instance: GrammarInstance
  readonly #first: number
  readonly #tokens: number
  #broken = false

  /** @param image of an instance that holds the grammar; @param matcher its beginning; @param tokens of the vocabulary */
  constructor(module: WebAssembly.Module, image: MemoryImage, matcher: number, tokens: number) {
    this.#instance = new GrammarInstance(module, image)
    this.#first = matcher
    this.#tokens = tokens
  }

  /** Its memory ran out, or worse: it can't be used any more. */
  get broken(): boolean {
    return this.#broken
  }

  /** What restricts one answer, from its beginning. */
  start(): TokenConstraint {
    const matcher = this.#attempt(() => this.#instance.start(this.#first))
    return {
      mask: () => this.#attempt(() => this.#instance.mask(matcher, this.#tokens)),
      accept: id => this.#attempt(() => this.#instance.accept(matcher, id)),
      release: () => {
        if (!this.#broken) this.#attempt(() => this.#instance.finish(matcher))
      },
    }
  }

  #attempt<T>(call: () => T): T {
    if (this.#broken) throw tooMuch()
    try {
      return call()
    } catch (error) {
      if (!(error instanceof GrammarError)) this.#broken = true
      throw tooMuch(error)
    }
  }
}

function tooMuch(cause?: unknown): ApiError {
  return new ApiError('json_schema_unsupported', {
    message:
      'To hold the answer to this schema takes too much work. Simplify it: fewer alternatives, lower counts.',
    param: 'response_format.json_schema.schema',
    cause,
  })
}
