/** `/v1/audio`: transcripts of recordings, translations of them, what fits them, and rescoring of what others heard. */
import { EventStream, readEvents } from '../event-stream.ts'
import type { RequestOptions, Transport } from '../transport.ts'
import type {
  Rescored,
  RescoreRequest,
  Transcription,
  TranscriptionForm,
  TranscriptionVerbose,
  TranscriptStreamEvent,
  TranslationForm,
} from '../wire.ts'
import { Classifications } from './classifications.ts'
import { formRequest, type Recording } from './recording.ts'

/** What a transcript may come as. */
export type TranscriptFormat = NonNullable<TranscriptionForm['response_format']>
/** What comes in a format. */
export type TranscriptOf<Format extends TranscriptFormat> = Format extends 'verbose_json'
  ? TranscriptionVerbose
  : Format extends 'json'
    ? Transcription
    : string

/** The request: OpenAI's, and Auricle's own parameters. */
export type TranscriptionParams<Format extends TranscriptFormat = TranscriptFormat> = Omit<
  TranscriptionForm,
  keyof Recording | 'stream' | 'response_format'
> &
  Recording & { response_format?: Format | undefined }
/** The same for a translation. */
export type TranslationParams<Format extends TranscriptFormat = TranscriptFormat> = Omit<
  TranslationForm,
  keyof Recording | 'response_format'
> &
  Recording & { response_format?: Format | undefined }
/** The last event of a streamed transcript: all of its text. */
export type TranscriptDone = Extract<TranscriptStreamEvent, { type: 'transcript.text.done' }>

/** What is said in recordings, in the language that it is said in. */
export class Transcriptions {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * The transcript: an object, or text for the formats `text`, `srt` and `vtt`.
   * @example const { text } = await client.audio.transcriptions.create({ model: 'whisper-tiny.en', file: 'call.mp3' })
   */
  create<Format extends TranscriptFormat = 'json'>(
    params: TranscriptionParams<Format>,
    options?: RequestOptions,
  ): Promise<TranscriptOf<Format>> {
    return createTranscript(this.#transport, '/v1/audio/transcriptions', params, options)
  }

  /** The transcript as it is made, in OpenAI's events; `final()` is the last of them. */
  stream(
    params: TranscriptionParams<'json' | 'text'>,
    options?: RequestOptions,
  ): EventStream<TranscriptStreamEvent, TranscriptDone> {
    return new EventStream(this.#events(params, options))
  }

  async *#events(
    params: TranscriptionParams,
    options?: RequestOptions,
  ): AsyncGenerator<TranscriptStreamEvent, TranscriptDone> {
    const fields = { ...params, stream: true }
    const request = await formRequest(this.#transport, '/v1/audio/transcriptions', fields, options)
    let done: TranscriptDone | undefined
    for await (const item of readEvents<TranscriptStreamEvent>(this.#transport, request, options)) {
      if (!('data' in item)) continue
      if (item.data.type === 'transcript.text.done') done = item.data
      yield item.data
    }
    return done!
  }
}

/** What is said in recordings, in English. */
export class Translations {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** The translation, as a transcript would come. */
  create<Format extends TranscriptFormat = 'json'>(
    params: TranslationParams<Format>,
    options?: RequestOptions,
  ): Promise<TranscriptOf<Format>> {
    return createTranscript(this.#transport, '/v1/audio/translations', params, options)
  }
}

/** `/v1/audio`. */
export class Audio {
  readonly transcriptions: Transcriptions
  readonly translations: Translations
  readonly classifications: Classifications
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.transcriptions = new Transcriptions(transport)
    this.translations = new Translations(transport)
    this.classifications = new Classifications(transport)
    this.#transport = transport
  }

  /** Hypotheses of any recognizer, put in order by n-gram models and hotwords: the best first, each score broken down. */
  rescore(params: RescoreRequest, options?: RequestOptions): Promise<Rescored> {
    return this.#transport.json({ method: 'POST', path: '/v1/audio/rescore', json: params }, options)
  }
}

async function createTranscript<Format extends TranscriptFormat>(
  transport: Transport,
  path: string,
  params: TranscriptionParams<Format> | TranslationParams<Format>,
  options: RequestOptions | undefined,
): Promise<TranscriptOf<Format>> {
  const request = await formRequest(transport, path, params, options)
  const { response_format: format = 'json' } = params
  const isText = format !== 'json' && format !== 'verbose_json'
  const answer = isText ? transport.text(request, options) : transport.json(request, options)
  return answer as Promise<TranscriptOf<Format>>
}
