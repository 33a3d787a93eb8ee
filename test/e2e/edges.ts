/** Both edges, each before a worker that ends with it: what the suites are run against. */
import { readConfiguration } from '../../workers/local/configuration.ts'
import { startLocal } from '../../workers/local/start-local.ts'
import type { Target } from './openai-client-suite.ts'
import { startWorkerdEdge } from './workerd-edge.ts'

/** Something behind the edge that is stopped after it. */
interface Behind {
  stop(): Promise<unknown>
}

/**
 * The edge of `npm start`, in this process.
 * @param worker where the worker listens
 * @param behind in the order in which they are stopped
 * @param environment more variables of the edge's
 */
export async function edgeOnNode(
  worker: string,
  behind: readonly Behind[],
  environment: Record<string, string> = {},
): Promise<Target> {
  const server = await startLocal(
    readConfiguration({
      PORT: '0',
      AURICLE_WORKERS: worker,
      AURICLE_LOG_LEVEL: 'silent',
      ...environment,
    }),
    { ...process.env, ...environment },
  )
  await server.ready()
  return target(server.url, [server, ...behind])
}

/** The edge on workerd, as wrangler.toml has it. */
export async function edgeOnWorkerd(worker: string, behind: readonly Behind[]): Promise<Target> {
  const edge = await startWorkerdEdge(worker)
  return target(edge.url, [edge, ...behind])
}

function target(url: string, parts: readonly Behind[]): Target {
  return {
    url,
    model: 'pocket',
    async stop() {
      for (const part of parts) await part.stop()
    },
  }
}
