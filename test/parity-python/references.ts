/** What transformers made of the tiny Qwen2-Audio (training/goldens/qwen2_audio), and where its pack is. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Where `scripts/install-parity.sh` installs, and the references are written. */
export const PARITY_FOLDER = resolve(process.env['AURICLE_PARITY'] ?? 'build/parity')
const FOLDER = join(PARITY_FOLDER, 'qwen2-audio')
/** Folder of packs: the tiny one alone. */
export const MODELS_FOLDER = join(FOLDER, 'models')
export const MODEL = 'qwen2-audio-tiny'
/** The checkpoint of the pack that PEFT saved. */
export const ADAPTED_MODEL = `${MODEL}:tuned`
/** The checkpoint that both packs are made of. */
export const CHECKPOINT_FOLDER = join(FOLDER, 'hf')
/** Folder of the pack that is computed in 16 bits, as on a GPU. */
export const HALF_FOLDER = join(FOLDER, 'half')

/** A part refers to one of `audios` by its name. */
export type ReferencePart = { type: 'text'; text: string } | { type: 'audio'; audio: string }
export interface ReferenceMessage {
  role: 'system' | 'user' | 'assistant'
  content: ReferencePart[]
}

/** A greedy answer. */
export interface Answer {
  /** Ids, the end of the turn included. */
  answer: number[]
  text: string
  /** [answer.length] by how much each token was ahead of the next best. */
  gaps: number[]
}

interface ArrayFile {
  file: string
  shape: number[]
}

export interface References {
  reference: string
  tolerance: { mel: number; audio_embeddings: number; embeddings: number; logits: number }
  /** samples [length]; mel [128, frames and two behind]; embeddings [tokens, hidden] */
  audios: {
    name: string
    frames: number
    tokens: number
    samples: ArrayFile
    mel: ArrayFile
    embeddings: ArrayFile
  }[]
  /** ids and embeddings [length, hidden] of the prompt; logits [answer.length, vocabulary], each before its token */
  cases: ({
    name: string
    messages: ReferenceMessage[]
    ids: number[]
    embeddings: ArrayFile
    logits: ArrayFile
  } & Answer)[]
  /** Several cases that transformers computed at once. */
  batches: { name: string; cases: string[]; answers: Answer[] }[]
  /** The adapted model's answers to some of the cases. */
  adapted: ({ case: string } & Answer)[]
  requests: ({ messages: ReferenceMessage[]; max_tokens: number; repetition_penalty: number } & Answer)[]
}

export function readReferences(): References {
  return JSON.parse(readFileSync(join(FOLDER, 'references', 'references.json'), 'utf8')) as References
}

export function readArray({ file }: ArrayFile): Float32Array {
  return new Float32Array(new Uint8Array(readFileSync(join(FOLDER, 'references', file))).buffer)
}

/**
 * Whether an answer hangs on a tie: two tokens whose scores are nearer than logits may differ, so that sums in another
 * order decide it otherwise, and what follows is another text.
 */
export function isTied({ gaps }: Pick<Answer, 'gaps'>, { tolerance }: References): boolean {
  return Math.min(...gaps) < 2 * tolerance.logits
}
