/**
 * A server that answers as vLLM 0.32 did: its answers were recorded from the real one (`vllm serve` on CPUs, with a
 * Qwen2-Audio of random weights). Which of them a request gets goes by vLLM's own rules, as far as they were tried.
 */
import { readFile } from 'node:fs/promises'

interface Recording {
  status: number
  type: string | null
  body: string
}

/** Names of recordings: what was asked when they were made. */
export type RecordingName = string

/** A request as it arrived. */
export interface SeenRequest {
  path: string
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: what is sent is what is tested
  body: any
}

const file = new URL('../../src/fleet/openai/fixtures/vllm-0.32.0.json', import.meta.url)
const recordings: Record<RecordingName, Recording> = JSON.parse(await readFile(file, 'utf8'))

/** Its name of the model, and the key that it wants. */
export const vllmModel = 'Qwen/Qwen2-Audio-7B-Instruct'
export const vllmKey = 'key-1'
/** Fields of its ChatCompletionRequest that are sent; any other it would ignore without a word. */
const knownFields = new Set(
  'model messages stream stream_options max_completion_tokens max_tokens temperature top_p seed stop n logprobs top_logprobs frequency_penalty presence_penalty logit_bias response_format top_k min_p repetition_penalty priority cache_salt'.split(
    ' ',
  ),
)

/** Such a server. */
export class RecordedVllm {
  readonly seen: SeenRequest[] = []
  /** Requests that wait, as its metrics say. */
  waiting = 0
  running = 0
  /** Share of its cache that is full. */
  cache = 0
  /** Answers the next request to the API with this one, whatever it asks. */
  next: RecordingName | null = null
  /** uuids of audio that it holds. */
  readonly #held = new Set<string>()

  fetch = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url)
    if (pathname === '/health') return this.#answer('health')
    if (pathname === '/metrics') return this.#metrics()
    if (request.headers.get('authorization') !== `Bearer ${vllmKey}`) return this.#answer('wrong-key')
    if (pathname === '/v1/models') return this.#answer('models')
    const isJson = request.headers.get('content-type')?.startsWith('application/json')
    const body = isJson ? await request.json() : await request.formData()
    this.seen.push({ path: pathname, headers: request.headers, body })
    const { next } = this
    this.next = null
    if (next !== null) return this.#answer(next)
    return this.#answer(pathname === '/v1/chat/completions' ? this.#chat(body) : 'transcription')
  }

  /** The server lost what it held. */
  forget(): void {
    this.#held.clear()
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  #chat(body: any): RecordingName {
    const unknown = Object.keys(body).find(name => !knownFields.has(name))
    if (unknown !== undefined) throw new Error(`vLLM knows no '${unknown}'`)
    if (body.model !== vllmModel) return 'no-model'
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const parts = body.messages.flatMap(({ content }: any) => (typeof content === 'string' ? [] : content))
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const audio = parts.filter(({ type }: any) => type !== 'text')
    let isKnown = audio.length > 0
    for (const { audio_url, uuid } of audio) {
      if (audio_url === null && !this.#held.has(uuid)) return 'audio-uuid-unknown'
      if (audio_url !== null) isKnown = false
      if (audio_url !== null && !/^data:audio\/\w+;base64,[\w+/]+=*$/.test(audio_url.url)) return 'bad-audio'
      this.#held.add(uuid)
    }
    if (body.stream) return body.n === 2 ? 'stream-n2' : 'stream'
    if (body.logprobs) return 'logprobs'
    if (audio.length === 0) return 'text'
    return isKnown ? 'audio-uuid-only' : 'audio'
  }

  #answer(name: RecordingName): Response {
    const recording = recordings[name]
    if (recording === undefined) throw new Error(`no recording '${name}'`)
    const { status, type, body } = recording
    return new Response(body, { status, headers: type === null ? {} : { 'content-type': type } })
  }

  #metrics(): Response {
    const values: Record<string, number> = {
      'vllm:num_requests_running': this.running,
      'vllm:num_requests_waiting': this.waiting,
      'vllm:kv_cache_usage_perc': this.cache,
    }
    const text = recordings['metrics']!.body.replaceAll(
      /^(vllm:\w+)(\{[^}]*\}) \S+$/gm,
      (line, name, labels) => (name in values ? `${name}${labels} ${values[name]}` : line),
    )
    return new Response(text, { headers: { 'content-type': 'text/plain' } })
  }
}
