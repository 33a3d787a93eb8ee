/**
 * The edge with workers in containers, in workerd. There are no containers without Docker, so a Durable Object stands in for
 * the class of them: it is bound and asked as `WorkerContainer` is, and hands the request to a worker.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startFakeWorker } from '../support/fake-worker.ts'
import { startWorkerdScript } from './workerd-edge.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('a worker in a container answers by its name', async () => {
  const worker = await startFakeWorker()
  const folder = await mkdtemp(join(tmpdir(), 'auricle-containers-'))
  const entry = join(folder, 'entry.ts')
  await writeFile(
    entry,
    `import { DurableObject } from 'cloudflare:workers'
    export { default } from ${JSON.stringify(join(root, 'workers/api/main.ts'))}
    export class WorkerContainer extends DurableObject {
      fetch(request) {
        const { hostname, pathname } = new URL(request.url)
        if (hostname !== 'a.container') throw new Error(hostname)
        return fetch(${JSON.stringify(worker.url)} + pathname, request)
      }
    }`,
  )
  const edge = await startWorkerdScript(entry, {
    compatibility_flags: ['enable_request_signal'],
    vars: { AURICLE_WORKERS: 'http://a.container' },
    durable_objects: { bindings: [{ name: 'AURICLE_CONTAINERS', class_name: 'WorkerContainer' }] },
    migrations: [{ tag: 'containers', new_sqlite_classes: ['WorkerContainer'] }],
  })
  try {
    const { data } = (await (await fetch(`${edge.url}/v1/models`)).json()) as { data: { id: string }[] }
    expect(data.map(({ id }) => id)).toContain('pocket')
    const answer = await fetch(`${edge.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'pocket', messages: [{ role: 'user', content: 'Hello' }], stream: true }),
    })
    expect(await answer.text()).toMatch(/data: \[DONE\]/)
    expect(worker.seen.requests).toBe(1)
  } finally {
    await edge.stop()
    await worker.stop()
    await rm(folder, { recursive: true })
  }
})

test('what is deployed is built from what there is', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'auricle-containers-'))
  // Without Docker the image can't be built; the rest is as it would be deployed.
  const arguments_ = ['deploy', '--dry-run', '--containers-rollout=none', '--outdir', folder]
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      join(root, 'node_modules/wrangler/bin/wrangler.js'),
      ...arguments_,
      '-c',
      'infra/hosts/cloudflare/wrangler.toml',
    ],
    { cwd: root, env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
  )
  expect(stdout).toContain('env.AURICLE_CONTAINERS (WorkerContainer)')
  expect(await readFile(join(folder, 'with-containers.js'), 'utf8')).toContain('worker/healthz')
  await rm(folder, { recursive: true })
})
