import { expect, test, vi } from 'vitest'
import { loadRuntime } from './load-runtime.ts'

vi.mock('./c-api/library.ts', () => ({
  openLibrary() {
    throw new Error('FFI is not allowed here.')
  },
}))

test('where the C API can’t be reached, the node binding takes over and says so', async () => {
  expect((await loadRuntime()).kind).toBe('node-binding')
})

test('the way that was asked for is not replaced', async () => {
  await expect(loadRuntime({ kind: 'c-api' })).rejects.toThrow('FFI is not allowed here.')
})
