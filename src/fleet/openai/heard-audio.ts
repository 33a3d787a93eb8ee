/** Which audio a server that isn't ours was sent, and how long it is: such servers don't tell. */
import { LRUCache } from 'lru-cache'

/** Most audios that are remembered; a server forgets too. */
const maxAudios = 8192

/** In memory, so what another edge sent isn't known: whoever asks for it by its id is told to send it again. */
export class HeardAudio {
  /** Seconds, by server, tenant and id. */
  readonly #seconds = new LRUCache<string, number>({ max: maxAudios })
  /** By server and id. */
  readonly #ids = new LRUCache<string, true>({ max: maxAudios })

  /** @param server id of its address, @param id SHA-256 of the file */
  add(server: string, tenant: string, id: string, seconds: number): void {
    this.#seconds.set(`${server} ${tenant} ${id}`, seconds)
    this.#ids.set(`${server} ${id}`, true)
  }

  /** What was sent to one tenant's name isn't there for another; undefined where it wasn't. */
  secondsOf(server: string, tenant: string, id: string): number | undefined {
    return this.#seconds.get(`${server} ${tenant} ${id}`)
  }

  forget(server: string, tenant: string, id: string): void {
    this.#seconds.delete(`${server} ${tenant} ${id}`)
    this.#ids.delete(`${server} ${id}`)
  }

  /** Whether some tenant's request brought it there; for choosing among servers. */
  at(server: string): { has(id: string): boolean } {
    return { has: id => this.#ids.has(`${server} ${id}`) }
  }
}
