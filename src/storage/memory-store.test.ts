import { vi } from 'vitest'
import { describeObjectStore } from '../../test/support/object-store-suite.ts'
import { MemoryStore } from './memory-store.ts'

// Many cases a test, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

describeObjectStore('MemoryStore', async () => ({ store: new MemoryStore() }))
