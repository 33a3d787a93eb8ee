/** Settings that come as text, from variables of the environment. */
import type { WorkerAddress } from './fleet/choose.ts'

/** `a, b,,c` as a list of a, b and c. */
export function parseList(text: string): string[] {
  return text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}

/**
 * A list of worker URLs, each a worker whose id is its origin.
 * @throws TypeError for what isn't an http(s) URL
 */
export function parseWorkers(text: string): WorkerAddress[] {
  return parseList(text).map(item => {
    const url = URL.canParse(item) ? new URL(item) : null
    if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
      throw new TypeError(`AURICLE_WORKERS: '${item}' is not an http or https URL.`)
    }
    return { id: url.origin, url: url.origin }
  })
}

/** Whether only this machine can reach a host name or address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}
