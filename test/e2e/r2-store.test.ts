import { fileURLToPath } from 'node:url'
import type { R2Bucket } from '@cloudflare/workers-types'
import { getPlatformProxy } from 'wrangler'
import { R2Store } from '../../src/storage/r2-store.ts'
import { describeObjectStore } from '../support/object-store-suite.ts'

describeObjectStore('R2Store with the R2 of workerd', async () => {
  const configPath = fileURLToPath(new URL('../../wrangler.toml', import.meta.url))
  const { env, dispose } = await getPlatformProxy<{ AURICLE_STORE: R2Bucket }>({ configPath, persist: false })
  return { store: new R2Store(env.AURICLE_STORE), stop: dispose }
})
