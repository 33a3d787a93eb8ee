/**
 * The directory of workers as a Durable Object: one for all isolates of the edge. It is in memory alone: should the
 * object be moved, the next beats fill it again, within two seconds.
 */
import type { DurableObjectNamespace } from '@cloudflare/workers-types'
import { systemClock } from '../../src/fleet/clock.ts'
import {
  type Directory,
  MemoryDirectory,
  RemoteDirectory,
  serveDirectory,
} from '../../src/fleet/directory.ts'
import { errorResponse } from '../../src/protocol/error-response.ts'
import { parseList } from '../../src/settings.ts'

/** The variables that it reads. */
export interface FleetDirectoryBindings {
  /** Shared with the workers; several, separated by commas, while one replaces the other. */
  AURICLE_FLEET_SECRET?: string
}

/** The Durable Object's class, as wrangler.toml names it. */
export class FleetDirectory {
  readonly #directory: MemoryDirectory

  constructor(_state: unknown, bindings: FleetDirectoryBindings) {
    const secrets = parseList(bindings.AURICLE_FLEET_SECRET ?? '')
    this.#directory = new MemoryDirectory({ secrets, clock: systemClock })
  }

  async fetch(request: Request): Promise<Response> {
    try {
      return await serveDirectory(this.#directory, request)
    } catch (error) {
      return errorResponse(error)
    }
  }
}

/** The one directory behind a binding. */
export function directoryOf(namespace: DurableObjectNamespace): Directory {
  return new RemoteDirectory(async request => {
    // A stub belongs to the request that made it.
    const stub = namespace.get(namespace.idFromName('fleet'))
    const { url, method, headers } = request
    const body = method === 'POST' ? await request.arrayBuffer() : null
    const answer = await stub.fetch(url, { method, headers: Object.fromEntries(headers), body } as never)
    return answer as unknown as Response
  })
}
