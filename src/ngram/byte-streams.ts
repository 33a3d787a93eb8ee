/** Streams of bytes: gzip recognised, lines found, each with its number. */
import { NgramError } from './ngram-error.ts'

/** The bytes, unpacked if they are a gzip file. */
export async function gunzipIfNeeded(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<ReadableStream<Uint8Array>> {
  const reader = stream.getReader()
  let start: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  let ended = false
  while (start.length < 2 && !ended) {
    const { done, value } = await reader.read()
    if (done) ended = true
    else start = concatenated(start, value)
  }
  const whole = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      if (start.length > 0) controller.enqueue(start)
      if (ended) controller.close()
    },
    async pull(controller) {
      const { done, value } = await reader.read()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: reason => reader.cancel(reason),
  })
  const isGzip = start[0] === 0x1f && start[1] === 0x8b
  return isGzip ? whole.pipeThrough(new DecompressionStream('gzip')) : whole
}

/** Decodes UTF-8, whatever way the bytes are cut. @throws NgramError when it isn't UTF-8, or the gzip is damaged */
export async function* textChunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      const text = done ? decoder.decode() : decoder.decode(value, { stream: true })
      if (text !== '') yield text
      if (done) return
    }
  } catch (error) {
    // Both decoders throw a TypeError for what they can't read.
    if (error instanceof TypeError)
      throw new NgramError(`this isn't UTF-8 text, or its gzip is damaged (${error.message})`)
    throw error
  } finally {
    reader.cancel().catch(() => {})
  }
}

/** Lines without their ends, several at a time. @throws NgramError for a line longer than `maximumLength` characters */
export async function* lineBatches(
  chunks: AsyncIterable<string>,
  maximumLength: number,
): AsyncGenerator<string[]> {
  let rest = ''
  let number = 0
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    if (rest.length > maximumLength) throw new NgramError('this line does not end', number + lines.length + 1)
    number += lines.length
    yield lines
  }
  if (rest !== '') yield [rest]
}

/** The text as UTF-8 bytes, in gzip if asked. */
export function byteStream(chunks: Iterable<string>, gzip = false): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.iterator]()
  const encoder = new TextEncoder()
  const bytes = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const { done, value } = iterator.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
  })
  return gzip ? bytes.pipeThrough(new CompressionStream('gzip')) : bytes
}

function concatenated(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(one.length + other.length)
  both.set(one)
  both.set(other, one.length)
  return both
}
