/** Which limits a tenant has, by configuration (AURICLE_LIMITS). */
import * as z from 'zod'
import type { RateLimits } from './tenant-usage.ts'

const amount = z.number().positive().optional()
const Settings = z.strictObject({
  requests_per_minute: amount,
  requests_per_day: amount,
  audio_seconds_per_minute: amount,
  audio_seconds_per_day: amount,
  concurrent_requests: amount,
})
const Configuration = Settings.extend({ tenants: z.record(z.string(), Settings).default({}) })

/** The limits of each tenant. */
export type LimitsOf = (tenant: string) => RateLimits

/**
 * Limits for all, and others for some: `{"requests_per_minute": 60, "tenants": {"acme": {"requests_per_minute": 600}}}`.
 * What a tenant's entry doesn't name is as for all; what isn't named at all has no limit.
 * @throws TypeError that says what is wrong
 */
export function parseLimits(text: string): LimitsOf {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new TypeError('AURICLE_LIMITS is not JSON.')
  }
  const parsed = Configuration.safeParse(value)
  if (!parsed.success) throw new TypeError(`AURICLE_LIMITS is wrong:\n${z.prettifyError(parsed.error)}`)
  const { tenants, ...all } = parsed.data
  const limits = new Map(Object.entries(tenants).map(([name, own]) => [name, toLimits({ ...all, ...own })]))
  const others = toLimits(all)
  return tenant => limits.get(tenant) ?? others
}

function toLimits(settings: z.infer<typeof Settings>): RateLimits {
  return {
    requestsPerMinute: settings.requests_per_minute ?? null,
    requestsPerDay: settings.requests_per_day ?? null,
    audioSecondsPerMinute: settings.audio_seconds_per_minute ?? null,
    audioSecondsPerDay: settings.audio_seconds_per_day ?? null,
    concurrentRequests: settings.concurrent_requests ?? null,
  }
}
