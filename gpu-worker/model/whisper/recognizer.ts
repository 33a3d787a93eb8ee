/**
 * Windows of many recordings and many requests decoded together, step by step: a window joins when there is room,
 * and leaves when its search is over.
 */
import { FairQueue } from '../../speech/fair-queue.ts'
import { type FoundTranscript, Search, type SearchOptions } from '../../speech/search.ts'
import type { WhisperManifest } from '../manifest.ts'
import type { DecoderWindow, WhisperDecoder } from './decoder.ts'
import type { EncodedSpeech } from './encoder.ts'

/** A window to be recognized. */
export interface RecognizeRequest {
  readonly speech: EncodedSpeech
  /** Text that went before, as ids; put in front of the transcript's start. */
  readonly previous: readonly number[]
  /** Whether the transcript is to hold times; the rules of `search` must agree. */
  readonly withTimestamps: boolean
  readonly search: SearchOptions
  readonly tenant: string
  readonly signal: AbortSignal
}

/** What was heard in it. */
export interface Recognized {
  /** Whisper's own probability that there is no speech, at the start of the transcript. */
  readonly noSpeechProbability: number
  /** The best first; at least one. */
  readonly transcripts: readonly FoundTranscript[]
}

/** A request on its way. */
interface Job {
  readonly request: RecognizeRequest
  readonly window: DecoderWindow
  readonly search: Search
  /** Ids that are fed whatever the decoder says. */
  readonly forced: number[]
  noSpeechProbability: number | null
  resolve(recognized: Recognized): void
  reject(reason: unknown): void
}

/** Windows decoded together. More share the weights' way through the caches, and wait for one another. */
const MAX_WINDOWS = 4

export class Recognizer {
  readonly #decoder: WhisperDecoder
  readonly #tokens: WhisperManifest['tokens']
  readonly #waiting = new FairQueue<Job>()
  #active: Job[] = []
  #isRunning = false

  constructor(decoder: WhisperDecoder, tokens: WhisperManifest['tokens']) {
    this.#decoder = decoder
    this.#tokens = tokens
  }

  /** @throws the signal's reason when it is aborted; RuntimeError */
  recognize(request: RecognizeRequest): Promise<Recognized> {
    const { promise, resolve, reject } = Promise.withResolvers<Recognized>()
    const { search, speech, withTimestamps, tenant } = request
    const window: DecoderWindow = {
      speech,
      maxRows: search.width,
      liveRows: 1,
      length: 0,
      nextIds: new Int32Array(search.width),
    }
    const forced = withTimestamps ? [] : [this.#tokens.no_timestamps]
    this.#waiting.push(tenant, {
      request,
      window,
      search: new Search(search),
      forced,
      noSpeechProbability: null,
      resolve,
      reject,
    })
    if (!this.#isRunning) void this.#run()
    return promise
  }

  /** Steps as long as there is something to do. */
  async #run(): Promise<void> {
    this.#isRunning = true
    try {
      while (await this.#step());
    } catch (error) {
      for (const job of this.#active) job.reject(error)
      this.#arrange([])
    } finally {
      this.#isRunning = false
    }
    // What came while the batch was failing.
    if (this.#waiting.size > 0 && !this.#isRunning) void this.#run()
  }

  async #step(): Promise<boolean> {
    this.#dropAborted()
    const admitted = this.#admit()
    if (this.#active.length === 0) return false
    for (const job of admitted) await this.#begin(job)
    await this.#decoder.step()
    const done = this.#active.filter(job => this.#advance(job))
    if (done.length > 0) this.#arrange(this.#active.filter(job => !done.includes(job)))
    return true
  }

  #admit(): Job[] {
    const admitted: Job[] = []
    const rows = this.#active.map(({ window }) => window.maxRows)
    while (rows.length < MAX_WINDOWS) {
      const job = this.#waiting.shift(({ window }) => this.#decoder.fits([...rows, window.maxRows]))
      if (!job) break
      rows.push(job.window.maxRows)
      admitted.push(job)
    }
    if (admitted.length > 0) this.#arrange([...this.#active, ...admitted])
    return admitted
  }

  /** Feeds the text that went before; the start of the transcript comes with the next step. */
  async #begin({ window, request }: Job): Promise<void> {
    const { start_of_previous, start_of_transcript } = this.#tokens
    if (request.previous.length > 0) {
      await this.#decoder.prefill(window, [start_of_previous, ...request.previous])
    }
    window.nextIds[0] = start_of_transcript
  }

  /** @returns whether its search is over */
  #advance(job: Job): boolean {
    const { window, search, forced } = job
    const row = (index: number) => this.#decoder.logProbabilities(window, index)
    job.noSpeechProbability ??= Math.exp(row(0)[this.#tokens.no_speech]!)
    const next = forced.shift()
    if (next !== undefined) {
      window.nextIds[0] = next
      return false
    }
    const children = search.advance(row)
    if (children.length > 0) {
      search.place(this.#decoder.branch(window, children))
      return false
    }
    job.resolve({ noSpeechProbability: job.noSpeechProbability, transcripts: search.results() })
    return true
  }

  #dropAborted(): void {
    const isAborted = ({ request }: Job) => request.signal.aborted
    const gone = [...this.#waiting.remove(isAborted), ...this.#active.filter(isAborted)]
    for (const job of gone) job.reject(job.request.signal.reason)
    if (this.#active.some(isAborted)) this.#arrange(this.#active.filter(job => !isAborted(job)))
  }

  #arrange(jobs: Job[]): void {
    this.#active = jobs
    this.#decoder.arrange(jobs.map(({ window }) => window))
  }
}
