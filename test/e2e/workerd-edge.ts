/** Starts the edge as `wrangler dev` does, in workerd, from wrangler.toml. No network, no telemetry. */
import { fileURLToPath } from 'node:url'

export interface WorkerdEdge {
  /** Without a path. */
  url: string
  stop(): Promise<void>
}

/**
 * @param workers value of AURICLE_WORKERS
 * @param variables more of wrangler.toml's variables
 */
export async function startWorkerdEdge(
  workers: string,
  variables: Record<string, string> = {},
): Promise<WorkerdEdge> {
  process.env['WRANGLER_SEND_METRICS'] = 'false'
  // Without this, the local runtime asks Cloudflare where it is.
  process.env['CLOUDFLARE_CF_FETCH_ENABLED'] = 'false'
  const { unstable_startWorker } = await import('wrangler')
  const worker = await unstable_startWorker({
    config: fileURLToPath(new URL('../../wrangler.toml', import.meta.url)),
    bindings: Object.fromEntries(
      Object.entries({ AURICLE_WORKERS: workers, ...variables }).map(([name, value]) => [
        name,
        { type: 'plain_text', value },
      ]),
    ),
    dev: {
      server: { hostname: '127.0.0.1', port: 0 },
      inspector: false,
      watch: false,
      persist: false,
      logLevel: 'warn',
    },
  })
  await worker.ready
  return { url: (await worker.url).origin, stop: () => worker.dispose() }
}
