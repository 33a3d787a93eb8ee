/**
 * A token bucket: `capacity` units, refilled evenly. Pure: the moment is passed in, and state goes in and comes out.
 * The level may fall below zero: what turned out larger than it was taken for is a debt that the refill pays first.
 */

/** How much there is, and when that was. */
export interface Bucket {
  level: number
  atMs: number
}

/** `capacity` units in `periodMs`. */
export interface Rate {
  capacity: number
  periodMs: number
}

/** The bucket at a later moment; full where there was none yet. A clock that runs backwards refills nothing. */
export function refill(bucket: Bucket | undefined, rate: Rate, nowMs: number): Bucket {
  if (bucket === undefined) return { level: rate.capacity, atMs: nowMs }
  const elapsedMs = Math.max(0, nowMs - bucket.atMs)
  const level = Math.min(rate.capacity, bucket.level + (elapsedMs * rate.capacity) / rate.periodMs)
  return { level, atMs: Math.max(nowMs, bucket.atMs) }
}

/** Units out of a bucket (or back into it, where negative), however few are in it. */
export function take(bucket: Bucket, rate: Rate, units: number): Bucket {
  return { level: Math.min(rate.capacity, bucket.level - units), atMs: bucket.atMs }
}

/** How long until so many units are in it; more than it can hold count as all that it can hold. */
export function waitMs(bucket: Bucket, rate: Rate, units: number): number {
  const missing = Math.min(units, rate.capacity) - bucket.level
  return missing <= 0 ? 0 : (missing * rate.periodMs) / rate.capacity
}
