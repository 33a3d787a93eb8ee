/** What a model is tried on: recordings, with what is asked of each and how the answer is judged. */
import type { BleuTokenizer } from './bleu.ts'

/** What is asked, and what is right. */
export type Task =
  /** Write down what is said. */
  | { readonly kind: 'transcribe'; readonly language: string; readonly units: 'words' | 'characters' }
  /** Translate what is said. */
  | { readonly kind: 'translate'; readonly prompt: string; readonly tokenizer: BleuTokenizer }
  /** Choose one of the labels; `reference` is the right one, or `none_of_these`. */
  | { readonly kind: 'classify'; readonly labels: readonly string[]; readonly prompt: string | null }
  /** Answer a question, or what is said; right when the answer holds one of these, in any case. */
  | {
      readonly kind: 'answer'
      /** Null: the recording is the question, and `reference` its text. */
      readonly question: string | null
      /** Null: nobody here can judge it; the answer is only written down. */
      readonly accept: readonly string[] | null
    }
  /** Follow a format. */
  | { readonly kind: 'obey'; readonly question: string; readonly format: keyof typeof formats }
  /** Say that there is nothing to write down. */
  | { readonly kind: 'nothing' }

/** The reference of a recording that none of the labels fits. */
export const NONE_OF_THESE = 'none_of_these'

/** One recording with one task. */
export interface Sample {
  /** The part of the suite that it is counted in. */
  readonly set: string
  readonly id: string
  /** Path of the file. */
  readonly audio: string
  /** What is right: a text, a label. */
  readonly reference: string
  readonly task: Task
}

/** A suite: samples in the order of its files. */
export interface Suite {
  readonly samples: readonly Sample[]
  /** Under which conditions transcripts are tried. */
  readonly conditions: readonly string[]
}

/** What an answer in a format looks like. */
export const formats = {
  'one word': (answer: string) => /^\p{P}*[\p{L}\p{N}'-]+\p{P}*$/u.test(answer.trim()),
  'yes or no': (answer: string) => /^(yes|no)\p{P}*$/iu.test(answer.trim()),
  'capital letters': (answer: string) => answer.trim() !== '' && answer === answer.toUpperCase(),
  json: isTopic,
} as const

/** Says that no words were heard, or says nothing. */
export function saysNothing(answer: string): boolean {
  return /^\s*$|\bnot hear\b|\bno (words|speech|voice|one)\b|\bsilent\b|\bsilence\b|\bnothing\b/i.test(answer)
}

function isTopic(answer: string): boolean {
  try {
    const value: unknown = JSON.parse(answer)
    return typeof (value as { topic?: unknown } | null)?.topic === 'string'
  } catch {
    return false
  }
}
