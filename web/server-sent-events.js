// @ts-check
/** Reads the body of a `text/event-stream` response, whatever way the bytes are cut. */

/**
 * The `data` of each event, in order; comments, ids and event names are passed over.
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<string, void, void>} ends with the stream; an event that the stream cuts off is dropped
 */
export async function* readEventData(body) {
  const decoder = new TextDecoder()
  let rest = ''
  /** @type {string[]} */
  let data = []
  for await (const bytes of chunks(body)) {
    rest += decoder.decode(bytes, { stream: true })
    // A CR at the end may be half of a CRLF: it waits for what comes next.
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n')
        data = []
      } else if (line.startsWith('data:')) {
        data.push(line.slice(line[5] === ' ' ? 6 : 5))
      }
    }
  }
}

/**
 * Safari's streams are not async iterable.
 * @param {ReadableStream<Uint8Array>} body
 */
async function* chunks(body) {
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    // Leaving early (a stop, an error) ends the request too.
    await reader.cancel().catch(() => {})
  }
}
