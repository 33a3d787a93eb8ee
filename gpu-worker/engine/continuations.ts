/**
 * Given continuations of one prompt as a trie: what they begin with in common is computed once. Branches are walked
 * down by sequences of one family; each notes the log-probability of every token that could follow where it is.
 */
import { logSumExp } from '../sampling/logprobs.ts'

interface Node {
  /** Of its token behind those before it; known once its parent was passed. */
  logprob: number
  readonly children: Map<number, Node>
}

/** @see file comment */
export class Continuations {
  readonly #root: Node = { logprob: 0, children: new Map() }
  readonly #continuations: readonly (readonly number[])[]
  readonly #open: Branch[] = []

  /** @throws RangeError for a continuation without tokens, or none at all */
  constructor(continuations: readonly (readonly number[])[]) {
    if (continuations.length === 0 || continuations.some(({ length }) => length === 0)) {
      throw new RangeError('There is nothing to score.')
    }
    this.#continuations = continuations
    for (const tokens of continuations) {
      let node = this.#root
      for (const token of tokens) {
        const child = node.children.get(token) ?? { logprob: Number.NaN, children: new Map() }
        node.children.set(token, child)
        node = child
      }
    }
    this.#open.push(new Branch([], this.#root, this.#open))
  }

  /** A branch that nobody walks yet; null where there is none, or none any more. */
  next(): Branch | null {
    return this.#open.shift() ?? null
  }

  /** The log-probability of each token of each continuation, behind those before it; once all branches were walked. */
  logprobs(): number[][] {
    return this.#continuations.map(tokens => {
      let node = this.#root
      return tokens.map(token => {
        node = node.children.get(token)!
        return node.logprob
      })
    })
  }
}

/** One sequence's way down the trie, to a token that nothing follows. */
export class Branch {
  /** The tokens before it, which other branches have as well. */
  readonly tokens: readonly number[]
  /** Tokens when it is at its end, those before it included. */
  readonly length: number
  readonly #open: Branch[]
  readonly #path: number[]
  #node: Node

  /** @param open where branches that begin on its way are put */
  constructor(tokens: readonly number[], node: Node, open: Branch[]) {
    this.tokens = tokens
    this.#path = [...tokens]
    this.#node = node
    this.#open = open
    let length = tokens.length
    for (let next: Node | undefined = node; next !== undefined; length++) next = followed(next)?.[1]
    this.length = length
  }

  /**
   * Takes a step.
   * @param logits [vocabulary] f32, behind the tokens so far
   * @returns the token that it goes on with
   */
  take(logits: Float32Array): number {
    const normalizer = logSumExp(logits)
    const { children } = this.#node
    for (const [token, child] of children) child.logprob = logits[token]! - normalizer
    const way = followed(this.#node)
    if (way === undefined) return children.keys().next().value!
    const [token, node] = way
    for (const [other, child] of children) {
      if (child.children.size === 0 || other === token) continue
      this.#open.push(new Branch([...this.#path, other], child, this.#open))
    }
    this.#path.push(token)
    this.#node = node
    return token
  }
}

/** The child that a branch goes on to: the first that others follow. */
function followed({ children }: Node): [token: number, node: Node] | undefined {
  return [...children].find(([, child]) => child.children.size > 0)
}
