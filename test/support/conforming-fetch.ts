/** For vitest's `setupFiles`: every answer that a test gets by fetch is held against the OpenAPI document. */
import { afterEach, expect } from 'vitest'
import { Conformance } from './conformance.ts'

/** Origins that the document doesn't speak of: fakes that misbehave on purpose, behind an edge of this process. */
export const unheldOrigins = new Set<string>()

const conformance = new Conformance()
const plainFetch = globalThis.fetch
const heldFetch = conformance.wrapFetch(plainFetch)
globalThis.fetch = (input, init) => {
  const { origin, pathname } = new URL(input instanceof Request ? input.url : input)
  // A worker's readiness says more to the edge than the edge's own does to its callers.
  const held = !unheldOrigins.has(origin) && pathname !== '/readyz'
  return held ? heldFetch(input, init) : plainFetch(input, init)
}

afterEach(() => {
  expect(conformance.takeProblems(), 'answers that /openapi.json does not describe').toEqual([])
})
