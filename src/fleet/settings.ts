/** What the fleet is made of, from variables of the environment; the same on Node and on Workers. */
import * as z from 'zod'
import { parseList, parseWorkers } from '../settings.ts'
import type { WorkerAddress } from './choose.ts'
import { StarterSettings } from './starter.ts'

/** The variables, as they come. */
export interface FleetVariables {
  /** URLs of workers, separated by commas. */
  AURICLE_WORKERS?: string | undefined
  /** Other servers of OpenAI's wire: a JSON array (see docs/operations.md). */
  AURICLE_UPSTREAMS?: string | undefined
  /** Shared with workers that register; several while one replaces the other. */
  AURICLE_FLEET_SECRET?: string | undefined
  /** How a worker is started where none is: a JSON object (`StarterSettings`). */
  AURICLE_STARTER?: string | undefined
  /** Seconds that a request may wait for a slot where it doesn't say. */
  AURICLE_MAX_WAIT_SECONDS?: string | undefined
}

/** What they say. */
export interface FleetSettings {
  workers: readonly WorkerAddress[]
  /** Empty: workers can't register. */
  secrets: readonly string[]
  starter: StarterSettings | null
  maxWaitMs: number | null
}

const Upstream = z.strictObject({
  /** With a path where the server has one before `/v1`. */
  url: z.url({ protocol: /^https?$/ }).transform(url => url.replace(/\/+$/, '')),
  /** Our name of a model, and its name there. */
  models: z.record(z.string().min(1), z.string().min(1)),
  api_key: z.string().optional(),
  /** How many requests it is given at once before others wait. */
  slots: z.int().min(1).default(64),
  /** Longer audio isn't sent there; 30 is what Qwen2-Audio hears. */
  max_audio_seconds: z.number().positive().default(30),
  /** `chat`: by a prompt; `endpoint`: it has `/v1/audio/transcriptions` for these models. */
  transcription: z.enum(['chat', 'endpoint']).default('chat'),
  /** It schedules by priority. */
  priorities: z.boolean().default(false),
})

/** Shorter ones can be guessed. */
const shortestSecret = 16

/** @throws TypeError that names the variable and what is wrong */
export function parseFleetSettings(variables: FleetVariables): FleetSettings {
  const secrets = parseList(variables.AURICLE_FLEET_SECRET ?? '')
  if (secrets.some(secret => secret.length < shortestSecret)) {
    throw new TypeError(`AURICLE_FLEET_SECRET: a secret has at least ${shortestSecret} characters.`)
  }
  const upstreams = parseJson('AURICLE_UPSTREAMS', variables.AURICLE_UPSTREAMS, z.array(Upstream)) ?? []
  const wait = variables.AURICLE_MAX_WAIT_SECONDS
  const maxWaitMs = wait ? Number(wait) * 1000 : null
  if (maxWaitMs !== null && !(maxWaitMs > 0)) {
    throw new TypeError('AURICLE_MAX_WAIT_SECONDS: expected seconds above 0.')
  }
  return {
    workers: [
      ...parseWorkers(variables.AURICLE_WORKERS ?? ''),
      ...upstreams.map(({ url, models, api_key, slots, max_audio_seconds, transcription, priorities }) => ({
        id: url,
        url,
        openai: {
          models,
          apiKey: api_key ?? null,
          slots,
          maxAudioSeconds: max_audio_seconds,
          transcription,
          priorities,
        },
      })),
    ],
    secrets,
    starter: parseJson('AURICLE_STARTER', variables.AURICLE_STARTER, StarterSettings),
    maxWaitMs,
  }
}

function parseJson<T extends z.ZodType>(
  name: string,
  text: string | undefined,
  schema: T,
): z.infer<T> | null {
  if (!text) return null
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // What JSON.parse says quotes the text, and there are keys in it.
    throw new TypeError(`${name}: it is not JSON.`)
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  throw new TypeError(`${name}: ${[...issue.path, issue.message].join(': ')}`)
}
