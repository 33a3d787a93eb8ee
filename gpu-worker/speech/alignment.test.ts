import { expect, it } from 'vitest'
import { alignTokens } from './alignment.ts'
import goldens from './goldens/alignment.json' with { type: 'json' }

// training/goldens/alignment.py: transformers' median filter and dynamic time warping.
it.each(goldens.cases)(
  'begins each token where transformers does: $dims',
  ({ attention, dims, starts, realPositions }) => {
    const [heads, rows, positions] = dims as [number, number, number]
    const ours = alignTokens(
      Float32Array.from(attention),
      [heads, rows, positions],
      goldens.firstRow,
      realPositions,
    )
    expect([...ours]).toEqual(starts)
  },
)
