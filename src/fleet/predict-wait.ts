/** How long a request would wait at a worker, from what it has to do. Pure. */

/** What a worker has to do, as it said or as we saw. */
export interface WorkerLoad {
  running: number
  waiting: number
  /** How many requests it works on at once. */
  slots: number
}

/**
 * Milliseconds until a slot is free for one more request.
 * @param busy requests that are at the worker, running or waiting
 * @param serviceMs how long a request holds a slot, on average
 */
export function predictWaitMs(busy: number, slots: number, serviceMs: number): number {
  const ahead = busy + 1 - Math.max(1, slots)
  return ahead <= 0 ? 0 : (ahead / Math.max(1, slots)) * serviceMs
}

/**
 * What one answer says of the time that a request holds a slot, given how many were there when it came: of a time of
 * which half was spent waiting for others, only half was service.
 */
export function serviceMsOf(durationMs: number, busyBefore: number, slots: number): number {
  const rounds = Math.max(1, (busyBefore + 1) / Math.max(1, slots))
  return durationMs / rounds
}
