/**
 * Interleaves several async iterables in the order in which their values come. When the consumer stops early,
 * or one of them throws, all are closed.
 */
export async function* merge<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const advance = (iterator: AsyncIterator<T>) => iterator.next().then(result => ({ iterator, result }))
  const pending = new Map(
    sources.map(source => {
      const iterator = source[Symbol.asyncIterator]()
      return [iterator, advance(iterator)] as const
    }),
  )
  try {
    while (pending.size > 0) {
      const { iterator, result } = await Promise.race(pending.values())
      if (result.done) {
        pending.delete(iterator)
        continue
      }
      pending.set(iterator, advance(iterator))
      yield result.value
    }
  } finally {
    for (const advancing of pending.values()) advancing.catch(() => {})
    await Promise.allSettled(Array.from(pending.keys(), iterator => iterator.return?.()))
  }
}
