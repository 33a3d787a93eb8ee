/** Starts the edge as `wrangler dev` does, in workerd, from wrangler.toml. No network, no telemetry. */
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { unstable_startWorker } from 'wrangler'

export interface WorkerdEdge {
  /** Without a path. */
  url: string
  stop(): Promise<void>
}

/**
 * @param workers value of AURICLE_WORKERS
 * @param variables more of wrangler.toml's variables
 * @param folder where what is stored outlives the edge; nowhere when left out
 */
export function startWorkerdEdge(
  workers: string,
  variables: Record<string, string> = {},
  folder?: string,
): Promise<WorkerdEdge> {
  const input = {
    config: fileURLToPath(new URL('../../wrangler.toml', import.meta.url)),
    bindings: Object.fromEntries(
      Object.entries({ AURICLE_WORKERS: workers, ...variables }).map(([name, value]) => [
        name,
        { type: 'plain_text' as const, value },
      ]),
    ),
  }
  return start(input, folder)
}

/**
 * Any module with a fetch handler, in workerd as well.
 * @param entrypoint its path; a configuration is put beside it
 * @param settings more of that configuration
 */
export async function startWorkerdScript(entrypoint: string, settings: object = {}): Promise<WorkerdEdge> {
  const config = join(dirname(entrypoint), 'wrangler.json')
  await writeFile(
    config,
    JSON.stringify({ name: 'script', main: entrypoint, compatibility_date: '2026-04-01', ...settings }),
  )
  return start({ config })
}

async function start(
  input: Parameters<typeof unstable_startWorker>[0],
  folder?: string,
): Promise<WorkerdEdge> {
  process.env['WRANGLER_SEND_METRICS'] = 'false'
  // Without this, the local runtime asks Cloudflare where it is.
  process.env['CLOUDFLARE_CF_FETCH_ENABLED'] = 'false'
  const { unstable_startWorker } = await import('wrangler')
  const worker = await unstable_startWorker({
    ...input,
    dev: {
      server: { hostname: '127.0.0.1', port: 0 },
      inspector: false,
      watch: false,
      persist: folder ?? false,
      logLevel: 'warn',
    },
  })
  await worker.ready
  return { url: (await worker.url).origin, stop: () => worker.dispose() }
}
