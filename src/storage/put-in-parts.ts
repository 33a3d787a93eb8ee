/** How S3 and R2 take a body of unknown length: at once where it fits into one part, else part by part. */
import { blocksOf } from './object-store.ts'

/** Bytes of a part, but for the last: the least that S3 and R2 allow, and the most that is held in memory. */
const partBytes = 5 * 1024 * 1024

/** An upload in parts that has begun. */
export interface PartWriter<Part> {
  /** @param number counts from 1 */
  part(number: number, bytes: Uint8Array): Promise<Part>
  complete(parts: Part[]): Promise<unknown>
  /** Leaves nothing behind. */
  abort(): Promise<unknown>
}

/** Writes all pieces or nothing. @throws what the pieces throw */
export async function putInParts<Part>(
  pieces: AsyncIterable<Uint8Array>,
  target: { whole(bytes: Uint8Array): Promise<unknown>; begin(): Promise<PartWriter<Part>> },
): Promise<void> {
  let held: Uint8Array | null = null
  let writer: PartWriter<Part> | null = null
  const parts: Part[] = []
  try {
    for await (const block of blocksOf(pieces, partBytes)) {
      if (held !== null) {
        writer ??= await target.begin()
        parts.push(await writer.part(parts.length + 1, held))
      }
      held = block
    }
    const last = held ?? new Uint8Array(0)
    if (writer === null) await target.whole(last)
    else await writer.complete([...parts, await writer.part(parts.length + 1, last)])
  } catch (error) {
    // The first failure is the one to tell.
    await writer?.abort().catch(() => {})
    throw error
  }
}
