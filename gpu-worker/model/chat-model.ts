/** What the request path knows of a model that chats about audio; one implementation an architecture. */
import type { EncodeFor, EncodeQueue } from '../encode/encode-queue.ts'
import type { Engine, EngineOptions } from '../engine/engine.ts'
import type { Prompt } from '../engine/types.ts'
import type { OrtRuntime } from '../runtime/runtime.ts'
import type { Tensor } from '../runtime/tensor.ts'
import type { ExpectedWords } from '../speech/word-scorer.ts'
import type { ChatMessage } from '../text/chat-template.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import type { PocketManifest } from './manifest.ts'
import type { Pack } from './pack.ts'
import type { AudioEmbeddings } from './splice.ts'
import type { HeardSpeech } from './whisper/listener.ts'
import type { Whispers } from './whisper/whisper.ts'

/** One window of an audio, encoded: what enters the prompt, and which seconds of the audio it covers. */
export interface EncodedWindow extends AudioEmbeddings {
  readonly startSeconds: number
  readonly endSeconds: number
  /** What a recognizer heard in it, for models that have one; null when there was no speech. */
  readonly transcript: string | null
  /** What the sound alone says, where words that were expected took part; null when there was no speech. */
  readonly unbiasedTranscript: string | null
}

/** A whole audio, encoded; its windows follow one another without gap or overlap. */
export interface EncodedAudio {
  /** SHA-256 of the file, 64 hex digits. */
  readonly id: string
  readonly windows: readonly EncodedWindow[]
  /** Length of what was received. */
  readonly durationSeconds: number
  /** Names the audio and whatever else shaped the embeddings: the key of every cache over them. */
  readonly contentHash: string
}

/** One window as it was heard, before any checkpoint shaped it. */
export interface HeardWindow {
  readonly startSeconds: number
  readonly endSeconds: number
  /** What the encoder made of it: [1, positions, hidden] f32 */
  readonly features: Tensor<'float32'>
  /** What a recognizer made of it, for models that have one; null when there was no speech. */
  readonly speech: HeardSpeech | null
}

/** A conversation as the language model reads it. */
export interface RenderedChat {
  readonly prompt: Prompt
  /** How many of the prompt's tokens stand for audio. */
  readonly audioTokens: number
}

/** What is used where a request leaves it open. */
export interface GenerationDefaults {
  readonly temperature: number
  readonly topP: number
  /** 0 keeps all. */
  readonly topK: number
  readonly repetitionPenalty: number
  readonly maxTokens: number
}

export interface ChatModel {
  readonly pack: Pack
  readonly tokenizer: Tokenizer
  readonly engine: Engine
  /** Ids that end an answer. */
  readonly stopIds: ReadonlySet<number>
  readonly generation: GenerationDefaults
  readonly checkpoints: readonly string[]
  readonly defaultCheckpoint: string
  /**
   * Loads one of `checkpoints` unless it is there, and keeps it until what is returned is disposed of. Whoever projects,
   * renders or generates with one holds it.
   */
  holdCheckpoint(name: string): Promise<Disposable>
  /** What it is told to translate speech into English; absent where it can't. */
  readonly translationPrompt?: string
  /** Whether it knows what was said, and so what to do with words that are expected. */
  readonly hasRecognizer: boolean
  /** Models of one hearing identity hear alike: what one has heard is the other's as well. */
  readonly hearingIdentity: string
  /** Of what makes embeddings of what was heard; @param checkpoint one of `checkpoints` */
  projectionIdentity(checkpoint: string): string
  /**
   * The adapter that answers; null for the base model.
   * @param checkpoint one of `checkpoints`
   * @param hasAudio whether the conversation has any
   */
  adapterFor(checkpoint: string, hasAudio: boolean): string | null
  /**
   * Hears an audio, window by window: what all checkpoints have in common, and nearly all of the work.
   * @param samples 16 kHz mono, any length
   * @param expected words that are likely here; of models that have a recognizer
   * @throws ApiError `overloaded` when too many audios wait to be heard
   */
  hearAudio(samples: Float32Array, who: EncodeFor, expected?: ExpectedWords | null): Promise<HeardWindow[]>
  /** Makes of what was heard what enters a prompt; @param checkpoint one of `checkpoints` */
  projectAudio(
    heard: readonly HeardWindow[],
    checkpoint: string,
    signal: AbortSignal,
  ): Promise<EncodedWindow[]>
  /** Renders the conversation and splices the audios that its parts refer to by index. */
  renderChat(
    messages: readonly ChatMessage[],
    audios: readonly EncodedAudio[],
    checkpoint: string,
  ): RenderedChat
  close(): Promise<void>
}

/** A manifest's `generation`, in our words. */
export function generationDefaults(generation: PocketManifest['generation']): GenerationDefaults {
  return {
    temperature: generation.temperature,
    topP: generation.top_p,
    topK: generation.top_k,
    repetitionPenalty: generation.repetition_penalty,
    maxTokens: generation.max_tokens,
  }
}

/** What an architecture needs to load one of its packs. */
export interface LoadContext {
  readonly runtime: OrtRuntime
  /** Threads of one operator. */
  readonly threads: number
  readonly engine: EngineOptions
  /** The turns of all models' encoders; a model that is given none has one of its own. */
  readonly encodeQueue?: EncodeQueue
  /** Speech packs that are loaded already; a model that is given none loads its own. */
  readonly whispers?: Whispers
  /** Checkpoints of one pack that stay loaded while nobody uses them; 4 unless it is said. */
  readonly maxCheckpoints?: number
  /** Every pack there is, by name; what a pack `requires` is among them. */
  readonly packs: ReadonlyMap<string, Pack>
}

/** The ids that can be asked for: every model, and every checkpoint as `model:checkpoint`. */
export function modelIds(models: ReadonlyMap<string, ChatModel>): string[] {
  return [...models].flatMap(([id, { checkpoints }]) => [id, ...checkpoints.map(name => `${id}:${name}`)])
}
