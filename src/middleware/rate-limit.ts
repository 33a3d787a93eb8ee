/** Holds each tenant to its limits, says in headers how it stands, and settles when the answer has ended. */
import type { MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import { backgroundOf } from '../background.ts'
import type { EdgeEnv } from '../edge-env.ts'
import type { RateLimiter } from '../limits/rate-limiter.ts'
import type { LimitsOf } from '../limits/tenant-limits.ts'
import type { LimitName, Standing, Verdict } from '../limits/tenant-usage.ts'
import { errorResponse } from '../protocol/error-response.ts'
import { ApiError } from '../protocol/errors.ts'
import { ServerSentEventParser } from '../protocol/sse.ts'
import { audioSecondsHeader } from '../protocol/worker-headers.ts'

/** Bytes that a second of audio takes, for what a body lets expect: 16-bit mono at 16 kHz. */
const bytesPerSecond = 32_000

/** What asks a worker for nothing isn't counted. */
const uncounted = ['/v1/admin/', '/v1/uploads', '/v1/files']

/** The middleware. Only requests that make work are counted: POST, but for keys and uploads. */
export function rateLimit(limiter: RateLimiter, limitsOf: LimitsOf): MiddlewareHandler<EdgeEnv> {
  return createMiddleware(async (context, next) => {
    const { method, path } = context.req
    if (method !== 'POST' || uncounted.some(beginning => path.startsWith(beginning))) return next()
    const tenant = context.get('tenant')
    const limits = limitsOf(tenant)
    const id = crypto.randomUUID()
    const bytes = Number(context.req.header('content-length') ?? 0)
    const audioSeconds = (Number.isFinite(bytes) ? bytes : 0) / bytesPerSecond
    const verdict = await limiter.reserve(tenant, limits, { id, audioSeconds })
    const headers = headersOf(verdict)
    if (verdict.refused !== null) return errorResponse(refusal(verdict.refused), headers)

    const background = backgroundOf(context)
    const settle = (seconds: number | null) => background(limiter.settle(tenant, limits, id, seconds))
    await next()
    const response = context.res
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value)
    const type = response.headers.get('content-type') ?? ''
    const told = response.headers.get(audioSecondsHeader)
    const known = told === null ? null : Number(told)
    // What wasn't answered counts as not heard: the caller pays for it when they send it again.
    if (!response.ok || response.body === null) settle(0)
    else if (type.startsWith('text/event-stream')) {
      context.res = new Response(observeUsage(response.body, known, settle), response)
    } else if (known !== null || verdict.audioSeconds === null) settle(known)
    else if (type.startsWith('application/json')) settle(secondsOf(await response.clone().text()))
    else settle(null)
  })
}

/** The same events; tells once, however the stream ends, how long the audio was. */
function observeUsage(
  body: ReadableStream<Uint8Array>,
  known: number | null,
  settle: (seconds: number | null) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const parser = new ServerSentEventParser()
  let seconds = known
  let settled = false
  const end = () => {
    if (!settled) settle(seconds)
    settled = true
  }
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (done) {
          end()
          controller.close()
          return
        }
        if (known === null) {
          for (const { data } of parser.push(value)) seconds = secondsOf(data) ?? seconds
        }
        controller.enqueue(value)
      } catch (error) {
        end()
        controller.error(error)
      }
    },
    async cancel(reason) {
      end()
      await reader.cancel(reason)
    },
  })
}

/** Seconds of audio that the usage of an answer, or of an event, tells of. */
function secondsOf(json: string): number | null {
  if (!json.includes('"usage"')) return null
  try {
    const { usage } = JSON.parse(json)
    if (typeof usage?.seconds === 'number') return usage.seconds
    if (!Array.isArray(usage?.audio)) return null
    return usage.audio.reduce((sum: number, audio: { seconds_received?: number }) => {
      return sum + (audio.seconds_received ?? 0)
    }, 0)
  } catch {
    return null
  }
}

const words: Record<LimitName, string> = {
  requestsPerMinute: 'requests a minute',
  requestsPerDay: 'requests a day',
  audioSecondsPerMinute: 'seconds of audio a minute',
  audioSecondsPerDay: 'seconds of audio a day',
  concurrentRequests: 'requests at once',
}

function refusal({ limit, retryAfterMs }: NonNullable<Verdict['refused']>): ApiError {
  const seconds = Math.ceil(retryAfterMs / 1000)
  return new ApiError('rate_limit_exceeded', {
    message: `The limit of ${words[limit]} is reached. Send the request again in ${seconds} s.`,
    retryAfterSeconds: seconds,
  })
}

/** OpenAI's headers; audio seconds stand beside requests as tokens do there. */
function headersOf(verdict: Verdict): Record<string, string> {
  return {
    ...standingHeaders('requests', verdict.requests),
    ...standingHeaders('audio-seconds', verdict.audioSeconds),
  }
}

function standingHeaders(what: string, standing: Standing | null): Record<string, string> {
  if (standing === null) return {}
  return {
    [`x-ratelimit-limit-${what}`]: String(standing.limit),
    [`x-ratelimit-remaining-${what}`]: String(standing.remaining),
    [`x-ratelimit-reset-${what}`]: duration(standing.resetMs),
  }
}

/** As OpenAI writes it: `20ms`, `1s`, `6m0s`, `23h59m0s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.ceil(milliseconds)}ms`
  const seconds = Math.ceil(milliseconds / 1000)
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  const parts = [hours > 0 ? `${hours}h` : '', seconds >= 60 ? `${minutes}m` : '', `${seconds % 60}s`]
  return parts.join('')
}
