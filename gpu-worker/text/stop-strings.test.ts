import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StopStrings } from './stop-strings.ts'

/** Feeds the pieces; what is shown, and whether it stopped. */
function run(stops: string[], pieces: string[]) {
  const watch = new StopStrings(stops)
  let shown = ''
  for (const piece of pieces) {
    const { text, stopped } = watch.push(piece)
    shown += text
    if (stopped) return { shown, stopped }
  }
  return { shown: shown + watch.flush(), stopped: false }
}

describe('stop strings', () => {
  it('stops across pieces and shows nothing of the stop string', () => {
    expect(run(['END'], ['a E', 'N', 'D b'])).toEqual({ shown: 'a ', stopped: true })
  })

  it('gives back what only looked like a stop string', () => {
    expect(run(['END'], ['a E', 'N', 'X'])).toEqual({ shown: 'a ENX', stopped: false })
  })

  it('shows at once what cannot begin a stop string', () => {
    expect(new StopStrings(['END']).push('hello')).toEqual({ text: 'hello', stopped: false })
  })

  it('takes the first of several', () => {
    expect(run(['b', 'abc'], ['x', 'abc'])).toEqual({ shown: 'x', stopped: true })
  })

  it('shows what the whole text shows, however it is cut', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 })
    const stop = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(fc.array(letters), fc.array(stop, { maxLength: 3 }), (pieces, stops) => {
        const text = pieces.join('')
        const ends = stops.map(s => text.indexOf(s)).filter(at => at >= 0)
        const result = run(stops, pieces)
        expect(result.stopped).toBe(ends.length > 0)
        if (!result.stopped) expect(result.shown).toBe(text)
        else expect(text.startsWith(result.shown)).toBe(true)
        for (const s of stops) expect(result.shown.includes(s)).toBe(false)
      }),
    )
  })
})
