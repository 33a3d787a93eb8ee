/** Workers in containers have names instead of addresses: `http://NAME.container` is the container of that name. */

/** A binding to a class of containers, as far as it is used. */
export interface Containers {
  getByName(name: string): { fetch(url: string, init?: RequestInit): Promise<Response> }
}

const suffix = '.container'

/** Sends to the container what is for one, and all else on its way. */
export function containerFetch(containers: Containers | undefined, fetch: typeof globalThis.fetch) {
  if (containers === undefined) return fetch
  return (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const url = input instanceof Request ? input.url : String(input)
    const { hostname } = new URL(url)
    if (!hostname.endsWith(suffix)) return fetch(input, init)
    return containers.getByName(hostname.slice(0, -suffix.length)).fetch(url, init)
  }
}
