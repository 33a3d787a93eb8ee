/** What a tenant uses, in a Durable Object of its own: every edge in the world counts at one place. */
import type { DurableObjectNamespace, DurableObjectState } from '@cloudflare/workers-types'
import type { RateLimiter, Reservation } from '../../src/limits/rate-limiter.ts'
import {
  freshUsage,
  type RateLimits,
  reserve,
  settle,
  type UsageState,
  type Verdict,
} from '../../src/limits/tenant-usage.ts'

/** What an edge asks of the object. */
type Call =
  | { kind: 'reserve'; limits: RateLimits; reservation: Reservation }
  | { kind: 'settle'; limits: RateLimits; id: string; audioSeconds: number | null }

/** The edge's end. */
export class DurableRateLimiter implements RateLimiter {
  readonly #namespace: DurableObjectNamespace

  constructor(namespace: DurableObjectNamespace) {
    this.#namespace = namespace
  }

  reserve(tenant: string, limits: RateLimits, reservation: Reservation): Promise<Verdict> {
    return this.#call(tenant, { kind: 'reserve', limits, reservation })
  }

  async settle(tenant: string, limits: RateLimits, id: string, audioSeconds: number | null): Promise<void> {
    await this.#call(tenant, { kind: 'settle', limits, id, audioSeconds })
  }

  async #call<T>(tenant: string, call: Call): Promise<T> {
    const object = this.#namespace.get(this.#namespace.idFromName(tenant))
    const response = await object.fetch('https://tenant-usage/', {
      method: 'POST',
      body: JSON.stringify(call),
    })
    return response.json()
  }
}

/** The object. It is asked one call at a time; what it answers has been stored, so that a restart forgets nothing. */
export class TenantUsageObject {
  readonly #context: DurableObjectState
  #usage: UsageState | null = null

  constructor(context: DurableObjectState) {
    this.#context = context
  }

  async fetch(request: Request): Promise<Response> {
    const call = (await request.json()) as Call
    this.#usage ??= (await this.#context.storage.get<UsageState>('usage')) ?? freshUsage
    let verdict: Verdict | null = null
    if (call.kind === 'reserve') {
      const outcome = reserve(this.#usage, call.limits, call.reservation, Date.now())
      this.#usage = outcome.state
      verdict = outcome.verdict
    } else this.#usage = settle(this.#usage, call.limits, call.id, call.audioSeconds, Date.now())
    // Not awaited: the runtime holds the answer back until it is written.
    void this.#context.storage.put('usage', this.#usage)
    return Response.json(verdict)
  }
}
