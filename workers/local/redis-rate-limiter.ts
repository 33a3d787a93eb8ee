/**
 * What tenants use, in Redis (or Valkey), where several edges on Node count together. What a request does to a tenant's
 * state is said once, by `tenant-usage.ts`; Redis swaps the old state for the new one if nobody was faster.
 */
import { createClient } from '@redis/client'
import { InProcessRateLimiter, type RateLimiter, type Reservation } from '../../src/limits/rate-limiter.ts'
import {
  freshUsage,
  type RateLimits,
  reserve,
  settle,
  type UsageState,
  type Verdict,
} from '../../src/limits/tenant-usage.ts'

/**
 * Atomic, as every script of Redis: sets KEYS[1] to ARGV[2] for ARGV[3] ms if it is ARGV[1], and says nothing; else says
 * what it is, and the time by Redis' clock, which is the same for all edges.
 */
const swapScript = `
local current = redis.call('GET', KEYS[1]) or ''
if current == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return nil
end
local now = redis.call('TIME')
return {current, tostring(now[1] * 1000 + math.floor(now[2] / 1000))}
`
/** Expected of nobody's state: asks what it is. */
const unknown = '?'
/** Every bucket is full again after a day, and every request forgotten. */
const lifetimeMs = 86_400_000 + 15 * 60_000
const commandTimeoutMs = 250
/** After a failure Redis isn't asked for so long: a request doesn't wait for what is away. */
const pauseMs = 1_000

/** A change of a tenant's state that waits for its turn. */
interface Change {
  apply(before: UsageState, nowMs: number): UsageState
  done(): void
  failed(error: unknown): void
}

export interface RedisLimiterOptions {
  /** `redis://` or `rediss://`, with user, password and database. */
  url: string
  /** Told when Redis is lost, once until it is back. */
  onLost: (error: Error) => void
}

/** While Redis can't be asked, each edge counts for itself: nobody is locked out, and no limit is off. */
export class RedisRateLimiter implements RateLimiter {
  readonly #client: ReturnType<typeof connect>
  readonly #alone = new InProcessRateLimiter(Date.now)
  readonly #pending = new Map<string, Change[]>()
  readonly #onLost: (error: Error) => void
  #lost = false
  #awayUntilMs = 0

  constructor({ url, onLost }: RedisLimiterOptions) {
    this.#onLost = onLost
    this.#client = connect(url)
    this.#client.on('error', error => this.#lose(error))
    this.#client.on('ready', () => {
      this.#lost = false
      this.#awayUntilMs = 0
    })
    // It tries again by itself.
    this.#client.connect().catch(() => {})
  }

  async reserve(tenant: string, limits: RateLimits, reservation: Reservation): Promise<Verdict> {
    let verdict: Verdict | undefined
    const counted = await this.#change(tenant, (before, nowMs) => {
      const outcome = reserve(before, limits, reservation, nowMs)
      verdict = outcome.verdict
      return outcome.state
    })
    return counted ? verdict! : this.#alone.reserve(tenant, limits, reservation)
  }

  async settle(tenant: string, limits: RateLimits, id: string, audioSeconds: number | null): Promise<void> {
    const counted = await this.#change(tenant, (before, nowMs) =>
      settle(before, limits, id, audioSeconds, nowMs),
    )
    if (!counted) await this.#alone.settle(tenant, limits, id, audioSeconds)
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }

  /** @returns false where Redis could not be asked */
  async #change(tenant: string, apply: Change['apply']): Promise<boolean> {
    if (!this.#client.isReady || Date.now() < this.#awayUntilMs) return false
    const waiting = this.#pending.get(tenant)
    const change = new Promise<void>((done, failed) => {
      const change = { apply, done, failed }
      if (waiting !== undefined) waiting.push(change)
      else this.#pending.set(tenant, [change])
    })
    if (waiting === undefined) void this.#work(tenant)
    try {
      await change
      return true
    } catch (error) {
      this.#awayUntilMs = Date.now() + pauseMs
      this.#lose(error as Error)
      return false
    }
  }

  /** All changes of a tenant that have gathered go in one swap, so that a busy tenant's don't race each other. */
  async #work(tenant: string): Promise<void> {
    while (true) {
      const changes = this.#pending.get(tenant)!
      if (changes.length === 0) {
        this.#pending.delete(tenant)
        return
      }
      this.#pending.set(tenant, [])
      try {
        await this.#swap(`auricle:usage:${tenant}`, changes)
        for (const change of changes) change.done()
      } catch (error) {
        for (const change of changes) change.failed(error)
      }
    }
  }

  async #swap(key: string, changes: readonly Change[]): Promise<void> {
    let known = await this.#ask(key, unknown, '')
    while (known !== null) {
      const [text, nowMs] = known
      const before = text === '' ? freshUsage : (JSON.parse(text) as UsageState)
      const after = changes.reduce((state, { apply }) => apply(state, Number(nowMs)), before)
      known = await this.#ask(key, text, JSON.stringify(after))
    }
  }

  /** @returns null when it was set, else what it is and the time, ms */
  #ask(key: string, expected: string, value: string): Promise<[string, string] | null> {
    const options = { keys: [key], arguments: [expected, value, String(lifetimeMs)] }
    const answer = this.#client.eval(swapScript, options) as Promise<[string, string] | null>
    return within(commandTimeoutMs, answer)
  }

  #lose(error: Error): void {
    if (!this.#lost) this.#onLost(error)
    this.#lost = true
  }
}

/** The client's own timeout ends when a command is sent. */
function within<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`Redis did not answer within ${milliseconds} ms`))
    const timer = setTimeout(late, milliseconds)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function connect(url: string) {
  return createClient({
    url,
    disableOfflineQueue: true,
    socket: { connectTimeout: 2_000 },
  })
}
