/**
 * How likely each label is as an answer when there is nothing to hear: the model's liking for some words, which a
 * recording's score is freed of (contextual calibration; Zhao et al. 2021, Calibrate Before Use). Computed once for a
 * label of a question and a checkpoint, and kept.
 */
import { LRUCache } from 'lru-cache'
import type { EncodeFor } from '../encode/encode-queue.ts'
import type { EncoderCache } from '../encode/encoder-cache.ts'
import { SingleFlight } from '../encode/single-flight.ts'
import type { ChatModel, EncodedAudio } from '../model/chat-model.ts'
import { seededRandom } from '../sampling/random.ts'

/** What is asked, and by whom. */
export interface PriorsAsked {
  model: ChatModel
  checkpoint: string
  prompt: string
  labels: readonly string[]
  who: EncodeFor
}

/** Scores the labels behind the question about another recording: [labels][tokens] logarithms. */
export type ScoreBehind = (audio: EncodedAudio, id: string) => Promise<readonly (readonly number[])[]>

const SAMPLE_RATE_HZ = 16_000
const SECONDS = 3
/** Labels of all questions together. */
const MAX_LABELS = 50_000
/** Whose recordings these are: no tenant's. */
const NOBODY = ''

/** What is heard in the place of a recording. */
const NOTHINGS: readonly { id: string; samples: () => Float32Array }[] = [
  { id: 'silence', samples: () => new Float32Array(SECONDS * SAMPLE_RATE_HZ) },
  { id: 'noise', samples: () => whiteNoise(0.1) },
  { id: 'quiet-noise', samples: () => whiteNoise(0.01) },
]

/** @see file comment */
export class LabelPriors {
  readonly #known = new LRUCache<string, number>({ max: MAX_LABELS })
  readonly #computing = new SingleFlight<readonly number[]>()
  readonly #encoderCache: EncoderCache

  /** @param encoderCache keeps what silence and noise sound like */
  constructor(encoderCache: EncoderCache) {
    this.#encoderCache = encoderCache
  }

  /**
   * The mean over silence and noises of each label's log-probability, all its tokens together.
   * @throws whatever `score` throws
   */
  async of(asked: PriorsAsked, score: ScoreBehind): Promise<readonly number[]> {
    const { model, checkpoint, prompt, labels, who } = asked
    const question = JSON.stringify([model.projectionIdentity(checkpoint), prompt])
    const keys = labels.map(label => JSON.stringify([question, label]))
    const known = keys.map(key => this.#known.get(key))
    if (known.every(prior => prior !== undefined)) return known
    return this.#computing.run(keys.join(), who.signal, async signal => {
      const sums = new Array<number>(labels.length).fill(0)
      for (const { id, samples } of NOTHINGS) {
        const audio = await this.#heard(id, samples, model, checkpoint, { ...who, signal })
        const logprobs = await score(audio, id)
        for (const [index, tokens] of logprobs.entries()) {
          sums[index]! += tokens.reduce((sum, logprob) => sum + logprob, 0) / NOTHINGS.length
        }
      }
      for (const [index, key] of keys.entries()) this.#known.set(key, sums[index]!)
      return sums
    })
  }

  #heard(
    id: string,
    samples: () => Float32Array,
    model: ChatModel,
    checkpoint: string,
    who: EncodeFor,
  ): Promise<EncodedAudio> {
    const decode = async () => ({ samples: samples(), durationSeconds: SECONDS })
    return this.#encoderCache.encode({ id, decode }, model, checkpoint, { ...who, tenant: NOBODY })
  }
}

/** [samples] f32 up to a level, the same each time. */
function whiteNoise(level: number): Float32Array {
  const random = seededRandom(1)
  return Float32Array.from({ length: SECONDS * SAMPLE_RATE_HZ }, () => level * (2 * random() - 1))
}
