import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CONFIG, sequence } from './fixtures/scheduling.ts'
import { cachedPositions, runningPositions, trimCached } from './memory.ts'
import { createSchedulerState } from './scheduler.ts'
import type { SchedulerState } from './scheduler-state.ts'

/** Slots of which some run, each with a claim, and others keep something. */
const states = fc
  .array(fc.record({ runs: fc.boolean(), length: fc.integer({ min: 1, max: 32 }), left: fc.nat(20) }), {
    minLength: 1,
    maxLength: 8,
  })
  .chain(slots => {
    const claimed = slots.reduce((sum, { runs, length }) => sum + (runs ? length : 0), 0)
    return fc.integer({ min: Math.max(32, claimed), max: 256 }).map((kvPositions): SchedulerState => {
      const empty = createSchedulerState({ ...CONFIG, slots: slots.length, kvPositions })
      const all = slots.map(({ length }, slot) => ({
        ...sequence(`s${slot}`, length),
        arrival: slot,
        submittedMs: 0,
        preemptions: 0,
        slot,
        computed: 0,
        reused: 0,
        drafted: 0,
        accepted: 0,
      }))
      return {
        ...empty,
        running: all.filter(({ slot }) => slots[slot]!.runs),
        slots: slots.map(({ runs, length, left }, slot) =>
          runs
            ? { kind: 'taken', by: `s${slot}` }
            : {
                kind: 'free',
                held: { prompt: all[slot]!.prompt, tokens: [], length, family: `s${slot}` },
                freedInStep: left,
              },
        ),
      }
    })
  })

test('what is kept for later is cut to the bound, not below it, and oldest first', () => {
  fc.assert(
    fc.property(states, before => {
      const after = trimCached(before)
      const { kvPositions } = before.config
      const claims = runningPositions(before)
      expect(after.running).toBe(before.running)
      expect(cachedPositions(after)).toBe(Math.min(cachedPositions(before), kvPositions - claims))
      const cut = before.slots.flatMap((slot, index) => {
        const now = after.slots[index]!
        if (slot.kind !== 'free' || now.kind !== 'free') return []
        return [{ left: slot.freedInStep, lost: slot.held!.length - (now.held?.length ?? 0), now: now.held }]
      })
      // Nobody loses anything while somebody who left earlier has something left.
      for (const { lost, left } of cut) {
        if (lost > 0) expect(cut.filter(other => other.left < left && other.now !== null)).toEqual([])
      }
    }),
  )
})
