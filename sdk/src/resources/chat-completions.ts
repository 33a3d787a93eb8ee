/** `/v1/chat/completions`: ask about audio. */
import { type AudioInput, toBase64, toBlob } from '../audio.ts'
import { EventStream, openEvents, readEvents, type StreamItem } from '../event-stream.ts'
import { type OutputOf, type OutputSchema, parseOutput, responseFormatOf } from '../output.ts'
import type { RequestOptions, Transport, WireRequest } from '../transport.ts'
import type { ChatCompletion, ChatCompletionChunk, ChatCompletionRequest } from '../wire.ts'

type WireMessage = ChatCompletionRequest['messages'][number]
type WireUserMessage = Extract<WireMessage, { role: 'user' }>
type WirePart = Exclude<WireUserMessage['content'], string>[number]

/** Audio of any kind; becomes an `input_audio` part. */
export interface AudioPart {
  type: 'audio'
  audio: AudioInput
}
/** A part of a user's message. */
export type ContentPart = WirePart | AudioPart
/** A message of the conversation. */
export type Message =
  | Exclude<WireMessage, { role: 'user' }>
  | (Omit<WireUserMessage, 'content'> & { content: string | ContentPart[] })

/** The request: OpenAI's, and Auricle's own parameters; `audio` parts take any kind of audio. */
export type ChatParams = Omit<ChatCompletionRequest, 'messages' | 'stream'> & { messages: Message[] }
/** A request whose answer is a value: `output` says which. */
export type ChatOutputParams<Schema extends OutputSchema> = Omit<ChatParams, 'response_format' | 'n'> & {
  output: Schema
}

/** What a streamed answer consists of. */
export type ChatEvent =
  /** No worker is there yet: one was called, is loading its model, or has the request now. */
  | { type: 'waiting'; state: 'queued' | 'loading' | 'ready'; waitedMs: number }
  /** The next piece of choice `index`. */
  | { type: 'text'; index: number; text: string; logprobs: ChunkChoice['logprobs'] }
  /** Choice `index` is complete. */
  | { type: 'finish'; index: number; reason: ChatCompletion['choices'][number]['finish_reason'] }
  /** What it took, and what was heard; the last event. */
  | { type: 'usage'; usage: ChatCompletion['usage'] }
type ChunkChoice = ChatCompletionChunk['choices'][number]

/** Asks, and has the answer whole, in pieces, or as a value. */
export class ChatCompletions {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** The whole answer; with `stream: true`, OpenAI's chunks. */
  create(
    params: ChatParams & { stream?: false | null | undefined },
    options?: RequestOptions,
  ): Promise<ChatCompletion>
  create(
    params: ChatParams & { stream: true },
    options?: RequestOptions,
  ): Promise<EventStream<ChatCompletionChunk, undefined>>
  create(
    params: ChatParams & { stream: boolean },
    options?: RequestOptions,
  ): Promise<ChatCompletion | EventStream<ChatCompletionChunk, undefined>>
  async create(
    params: ChatParams & { stream?: boolean | null | undefined },
    options?: RequestOptions,
  ): Promise<ChatCompletion | EventStream<ChatCompletionChunk, undefined>> {
    const request = await this.#request(params, options)
    if (!params.stream) return this.#transport.json<ChatCompletion>(request, options)
    const response = await openEvents(this.#transport, request, options)
    return new EventStream(chunksOf(readEvents(this.#transport, request, options, response)))
  }

  /**
   * The answer in typed events; `final()` is the whole of it.
   * @example for await (const event of client.chat.completions.stream({ model, messages })) { ... }
   */
  stream(params: ChatParams, options?: RequestOptions): EventStream<ChatEvent, ChatCompletion> {
    return new EventStream(this.#events(params, options))
  }

  /**
   * The answer as a value of the type that `output` describes.
   * @throws OutputError when the model's answer isn't one
   * @example const { output } = await client.chat.completions.parse({ model, messages, output: z.object({ name: z.string() }) })
   */
  async parse<Schema extends OutputSchema>(
    params: ChatOutputParams<Schema>,
    options?: RequestOptions,
  ): Promise<ChatCompletion & { output: OutputOf<Schema> }> {
    const { output, ...rest } = params
    const completion = await this.create(
      { ...rest, response_format: responseFormatOf(output) } as ChatParams,
      options,
    )
    return { ...completion, output: (await parseOutput(output, completion)) as OutputOf<Schema> }
  }

  async *#events(params: ChatParams, options?: RequestOptions): AsyncGenerator<ChatEvent, ChatCompletion> {
    const request = await this.#request(
      { ...params, stream: true, stream_options: { include_usage: true, ...params.stream_options } },
      options,
    )
    const answer = new Assembly()
    for await (const item of readEvents<ChatCompletionChunk>(this.#transport, request, options)) {
      if ('data' in item) {
        answer.add(item.data)
        yield* eventsOf(item.data)
      } else {
        const waiting = waitingOf(item.comment)
        if (waiting !== null) yield waiting
      }
    }
    return answer.completion()
  }

  async #request(
    params: ChatParams & Pick<ChatCompletionRequest, 'stream'>,
    options: RequestOptions | undefined,
  ): Promise<WireRequest> {
    const messages = await toWireMessages(params.messages, this.#transport, options)
    return { method: 'POST', path: '/v1/chat/completions', json: { ...params, messages } }
  }
}

/** Messages with their audio as the wire takes it. */
export async function toWireMessages(
  messages: ChatParams['messages'],
  transport: Transport,
  options: RequestOptions | undefined,
): Promise<unknown[]> {
  const context = { fetch: transport.fetch, signal: options?.signal }
  return Promise.all(
    messages.map(async message => {
      if (message.role !== 'user' || typeof message.content === 'string') return message
      return {
        ...message,
        content: await Promise.all(message.content.map(part => toWirePart(part, context))),
      }
    }),
  )
}

async function toWirePart(part: ContentPart, context: Parameters<typeof toBlob>[1]): Promise<WirePart> {
  if (part.type !== 'audio') return part
  const data = await toBase64(await toBlob(part.audio, context))
  return { type: 'input_audio', input_audio: { data } }
}

async function* chunksOf(
  items: AsyncIterable<StreamItem<ChatCompletionChunk>>,
): AsyncGenerator<ChatCompletionChunk, undefined> {
  for await (const item of items) {
    if ('data' in item) yield item.data
  }
}

function* eventsOf({ choices, usage }: ChatCompletionChunk): Generator<ChatEvent, void> {
  for (const { index, delta, logprobs, finish_reason: reason } of choices) {
    if (delta.content) yield { type: 'text', index, text: delta.content, logprobs }
    if (reason !== null) yield { type: 'finish', index, reason }
  }
  if (usage) yield { type: 'usage', usage }
}

/** The edge's `: auricle {...}`, which says how far a worker is that had to be started. */
function waitingOf(comment: string): ChatEvent | null {
  if (!comment.startsWith('auricle {')) return null
  const { type, waited_ms } = JSON.parse(comment.slice(8))
  return { type: 'waiting', state: type, waitedMs: waited_ms }
}

/** A completion, from its chunks. */
class Assembly {
  #last: ChatCompletionChunk | undefined
  #usage: ChatCompletion['usage'] | undefined
  readonly #choices: ChatCompletion['choices'] = []

  add(chunk: ChatCompletionChunk): void {
    this.#last = chunk
    this.#usage = chunk.usage ?? this.#usage
    for (const { index, delta, logprobs, finish_reason: reason, grounding } of chunk.choices) {
      this.#choices[index] ??= {
        index,
        message: { role: 'assistant', content: '', refusal: null },
        logprobs: null,
        finish_reason: 'stop',
      }
      const choice = this.#choices[index]
      choice.message.content += delta.content ?? ''
      if (reason !== null) choice.finish_reason = reason
      if (grounding !== undefined) choice.grounding = grounding
      if (logprobs?.content) {
        choice.logprobs ??= { ...logprobs, content: [] }
        choice.logprobs.content!.push(...logprobs.content)
      }
    }
  }

  completion(): ChatCompletion {
    const { choices: _choices, usage: _usage, ...rest } = this.#last!
    return { ...rest, object: 'chat.completion', choices: this.#choices, usage: this.#usage! }
  }
}
