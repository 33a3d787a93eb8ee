/** The SDK's examples, over the built package, with the real server: in Node and in workerd. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfiguration } from '../../workers/local/configuration.ts'
import { type LocalServer, startLocal } from '../../workers/local/start-local.ts'
import { bundleExamples, printed } from '../support/sdk-examples.ts'
import { startWorkerdScript, type WorkerdEdge } from './workerd-edge.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
let scratch: string
let server: LocalServer
let workerd: WorkerdEdge

beforeAll(async () => {
  await mkdir(`${root}build`, { recursive: true })
  scratch = await mkdtemp(`${root}build/sdk-examples-`)
  const environment = { ...process.env, PORT: '0' }
  server = await startLocal(readConfiguration(environment), environment)
  workerd = await startWorkerdScript(await bundleExamples(scratch))
  await server.ready()
})
afterAll(async () => {
  await workerd?.stop()
  await server?.stop()
  await rm(scratch, { recursive: true })
})

describe('in Node', () => {
  test.each(printed)('%s', async (name, expected) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['sdk/examples/main.ts', name, 'web/samples/inaugural.wav'],
      { cwd: root, env: { ...process.env, AURICLE_BASE_URL: server.url } },
    )
    expect(stdout).toMatch(expected)
  })
})

describe('in workerd', () => {
  test.each(printed)('%s', async (name, expected) => {
    const response = await fetch(`${workerd.url}/?example=${name}&server=${server.url}`)
    expect(await response.text()).toMatch(expected)
  })
})
