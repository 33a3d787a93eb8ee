/** An audio as it was heard, and how it is written down. */
import { z } from 'zod'
import type { HeardWindow } from '../model/chat-model.ts'
import { tensor } from '../runtime/tensor.ts'
import type { DiskRecord } from './disk-tier.ts'

export interface HeardAudio {
  /** Length of what was received. */
  readonly durationSeconds: number
  readonly windows: readonly HeardWindow[]
}

/** What of a window is written as JSON; its features are the blob of the same index. */
const Header = z.object({
  durationSeconds: z.number(),
  windows: z.array(
    z.object({
      startSeconds: z.number(),
      endSeconds: z.number(),
      dims: z.array(z.int().min(0)),
      speech: z
        .object({
          steps: z.array(z.object({ ids: z.array(z.int()), probabilities: z.array(z.number()) })),
          text: z.string(),
          unbiasedText: z.string().nullable(),
          noSpeechProbability: z.number(),
          meanLogprob: z.number(),
          isLoop: z.boolean(),
        })
        .nullable(),
    }),
  ),
})

/** For `readHeard`; shares the features' memory. */
export function recordOf({ durationSeconds, windows }: HeardAudio): DiskRecord {
  const header: z.infer<typeof Header> = {
    durationSeconds,
    windows: windows.map(({ startSeconds, endSeconds, features, speech }) => ({
      startSeconds,
      endSeconds,
      dims: [...features.dims],
      speech: speech && {
        ...speech,
        steps: speech.steps.map(({ ids, probabilities }) => ({
          ids: [...ids],
          probabilities: [...probabilities],
        })),
      },
    })),
  }
  const blobs = windows.map(
    ({ features: { data } }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  )
  return { header, blobs }
}

/** Null for a record of another shape. */
export function readHeard({ header, blobs }: DiskRecord): HeardAudio | null {
  const parsed = Header.safeParse(header)
  if (!parsed.success || blobs.length !== parsed.data.windows.length) return null
  const { durationSeconds, windows } = parsed.data
  return {
    durationSeconds,
    windows: windows.map(({ dims, ...window }, index) => {
      // A copy, since floats want an aligned place.
      const data = new Float32Array(Uint8Array.from(blobs[index]!).buffer)
      return { ...window, features: tensor('float32', data, dims) }
    }),
  }
}

/** Bytes of memory, near enough: numbers of lists take 8. */
export function heardBytes({ windows }: HeardAudio): number {
  return windows.reduce((sum, { features, speech }) => {
    const numbers = speech?.steps.reduce((count, { ids }) => count + 2 * ids.length + OVERHEAD, 0) ?? 0
    return sum + features.data.byteLength + 8 * numbers
  }, 0)
}

/** Of a step's objects, in numbers. */
const OVERHEAD = 16
