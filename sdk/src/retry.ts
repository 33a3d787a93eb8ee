/** When to send a request again, and how long to wait: as the official `openai` client does. */

const firstDelayMs = 500
const longestDelayMs = 8000
/** A server that asks for more is not waited for as long as it asks. */
const longestRetryAfterMs = 60_000

/** Whether the answer is worth another attempt: the server's own word, else by its status. */
export function isRetryable(response: Response): boolean {
  const word = response.headers.get('x-should-retry')
  if (word === 'true' || word === 'false') return word === 'true'
  const { status } = response
  return status === 408 || status === 409 || status === 429 || status >= 500
}

/**
 * Milliseconds before the next attempt: `retry-after-ms` or `retry-after` (seconds or a date), else doubled from half
 * a second to 8, less up to a quarter, so that clients don't come back all at once.
 * @param attempt 0 before the first repetition
 * @param headers of the answer, null where there was none
 */
export function retryDelayMs(
  attempt: number,
  headers: Headers | null,
  random: () => number = Math.random,
): number {
  const asked = headers === null ? Number.NaN : retryAfterMs(headers)
  if (asked >= 0 && asked < longestRetryAfterMs) return asked
  return Math.min(firstDelayMs * 2 ** attempt, longestDelayMs) * (1 - random() / 4)
}

/** NaN when the answer doesn't say. */
function retryAfterMs(headers: Headers): number {
  const milliseconds = Number.parseFloat(headers.get('retry-after-ms') ?? '')
  if (!Number.isNaN(milliseconds)) return milliseconds
  const after = headers.get('retry-after') ?? ''
  const seconds = Number.parseFloat(after)
  return Number.isNaN(seconds) ? Date.parse(after) - Date.now() : seconds * 1000
}

/** Waits. @throws the signal's reason as soon as it is aborted */
export function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, milliseconds)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
