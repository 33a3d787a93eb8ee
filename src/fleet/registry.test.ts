import { describe, expect, test } from 'vitest'
import { defaultTiming, WorkerRegistry } from './registry.ts'
import { VirtualClock, VirtualFleet } from './virtual-fleet.ts'

function setUp() {
  const fleet = new VirtualFleet()
  const clock = new VirtualClock()
  const registry = new WorkerRegistry({ addresses: fleet.addresses, fetch: fleet.fetch, clock })
  const kinds = () => registry.known().map(({ state }) => state.kind)
  return { fleet, clock, registry, kinds }
}

describe('WorkerRegistry', () => {
  test('learns what each worker is', async () => {
    const { fleet, registry, kinds } = setUp()
    fleet.add('a')
    fleet.add('b', { status: 'loading' })
    fleet.add('c', { down: true })
    fleet.add('d', { protocolVersion: 99 })
    expect(kinds()).toEqual(['unknown', 'unknown', 'unknown', 'unknown'])
    await registry.refresh()
    expect(kinds()).toEqual(['ready', 'not-ready', 'unreachable', 'incompatible'])
  })

  test('asks again only when what it knows is old', async () => {
    const { fleet, clock, registry } = setUp()
    const worker = fleet.add('a')
    await registry.refresh()
    await registry.refresh()
    expect(worker.requests).toHaveLength(1)
    expect(registry.isStale()).toBe(false)
    clock.advance(defaultTiming.refreshAfterMs + 1)
    expect(registry.isStale()).toBe(true)
    await registry.refresh()
    expect(worker.requests).toHaveLength(2)
  })

  test('does not rely on what is too old', async () => {
    const { fleet, clock, registry, kinds } = setUp()
    fleet.add('a')
    await registry.refresh()
    clock.advance(defaultTiming.distrustAfterMs + 1)
    expect(kinds()).toEqual(['unknown'])
  })

  test('a worker that never answers is unreachable after the timeout', async () => {
    const { fleet, clock, registry, kinds } = setUp()
    fleet.add('a', { hanging: true })
    const refreshed = registry.refresh()
    clock.advance(defaultTiming.probeTimeoutMs)
    await refreshed
    expect(kinds()).toEqual(['unreachable'])
  })

  test('a worker that could not be reached comes back with a probe, and keeps its models meanwhile', async () => {
    const { fleet, clock, registry, kinds } = setUp()
    fleet.add('a')
    await registry.refresh()
    registry.markUnreachable({ id: 'a', url: 'http://a' })
    expect(registry.known()[0]!.state).toMatchObject({ kind: 'unreachable', models: ['pocket'] })
    await registry.refresh()
    expect(kinds()).toEqual(['unreachable'])
    clock.advance(defaultTiming.recheckAfterMs + 1)
    await registry.refresh()
    expect(kinds()).toEqual(['ready'])
  })

  test('a worker at a new address is a new worker', async () => {
    const { fleet, registry, kinds } = setUp()
    fleet.add('a')
    await registry.refresh()
    fleet.workers.delete('a')
    fleet.add('b')
    expect(kinds()).toEqual(['unknown'])
  })
})
