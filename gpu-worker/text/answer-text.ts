import type { TokenLogprob } from '../../src/protocol/chat-completions.ts'
import { Detokenizer } from './detokenizer.ts'
import { StopStrings } from './stop-strings.ts'
import type { Tokenizer } from './tokenizer.ts'

interface GeneratedToken {
  id: number
  logprob: number | null
  topLogprobs: readonly { id: number; logprob: number }[]
}

/** The text of one answer as it grows: whole characters, nothing of a stop string, each token's log-probability. */
export class AnswerText {
  readonly #tokenizer: Tokenizer
  readonly #detokenizer: Detokenizer
  readonly #stops: StopStrings
  readonly #withLogprobs: boolean
  /** A stop string has been met: what comes after it is not part of the answer. */
  stopped = false

  constructor(tokenizer: Tokenizer, stops: readonly string[], withLogprobs: boolean) {
    this.#tokenizer = tokenizer
    this.#detokenizer = new Detokenizer(tokenizer)
    this.#stops = new StopStrings(stops)
    this.#withLogprobs = withLogprobs
  }

  push(token: GeneratedToken): { text: string; logprobs: TokenLogprob[] } {
    const { text, stopped } = this.#stops.push(this.#detokenizer.push(token.id))
    this.stopped = stopped
    return { text, logprobs: this.#withLogprobs ? [this.#logprob(token)] : [] }
  }

  /** What was held back and turned out to be text after all; nothing once stopped. */
  flush(): string {
    if (this.stopped) return ''
    const { text, stopped } = this.#stops.push(this.#detokenizer.flush())
    this.stopped = stopped
    return stopped ? text : text + this.#stops.flush()
  }

  #logprob({ id, logprob, topLogprobs }: GeneratedToken): TokenLogprob {
    return {
      ...this.#piece(id),
      logprob: logprob ?? 0,
      top_logprobs: topLogprobs.map(top => ({ ...this.#piece(top.id), logprob: top.logprob })),
    }
  }

  #piece(id: number): { token: string; bytes: number[] } {
    return { token: this.#tokenizer.decode([id]), bytes: [...this.#tokenizer.bytes(id)] }
  }
}
