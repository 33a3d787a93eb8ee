/**
 * A request as JSON, forwarded byte for byte. A body that fits is checked here with the schema that the worker uses; of a
 * larger one only what its way depends on is looked for, and it is streamed on: the edge never holds more than 8 MB of
 * it, and the worker checks it.
 */
import type { Handler } from 'hono'
import { backgroundOf } from '../background.ts'
import type { EdgeEnv } from '../edge-env.ts'
import { audioKeysOfHead } from '../fleet/affinity.ts'
import type { AudioKey } from '../fleet/choose.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { ApiError } from '../protocol/errors.ts'
import type { Limits } from '../protocol/limits.ts'
import { parseJson, requireJson } from '../protocol/read-body.ts'
import { readHead } from '../protocol/read-head.ts'
import { RequestScanner } from '../protocol/scan-request.ts'
import { timeoutMsOf } from '../protocol/worker-headers.ts'

/** A larger body is streamed; one that fits is held some four times, as bytes, text and values. */
const headBytes = 1024 * 1024
/** So far `model` is looked for. */
const maxHeadBytes = 4 * 1024 * 1024

/** What a request's way depends on. */
export interface Addressed {
  model: string
  stream: boolean
  audio: AudioKey[]
}

/**
 * The route to a path of the worker's.
 * @param parse checks a body that came whole
 * @throws ApiError for a body that can't be read, is too large, or isn't a request
 */
export function forwardedJson(
  path: string,
  parse: (body: unknown) => Addressed,
  fleet: Fleet,
  limits: Limits,
): Handler<EdgeEnv> {
  return async context => {
    const request = context.req.raw
    requireJson(request)
    const scanner = new RequestScanner()
    const brokenOff = new AbortController()
    const { head, rest } = await readHead(
      request,
      { headBytes, maxHeadBytes, maxBytes: limits.maxBodyBytes },
      piece => {
        scanner.push(piece)
        return scanner.found.model !== null
      },
      error => brokenOff.abort(error),
    )
    const { model, stream } = scanner.found
    if (rest !== null && model === null) {
      // Read to its limit: a client that is still writing would see a broken connection instead of the answer.
      await rest.pipeTo(new WritableStream()).catch(() => {})
      throw new ApiError('payload_too_large', {
        message: 'In a body of more than 4 MB, model must stand before the audio, within the first 4 MB.',
        param: 'model',
      })
    }
    const what =
      rest === null || model === null
        ? parse(parseJson(head))
        : { model, stream, rest, audio: audioKeysOfHead(head) }
    const forwarded = fleet.forward({
      ...what,
      path,
      requestId: context.get('requestId'),
      tenant: context.get('tenant'),
      body: head,
      trace: context.get('trace'),
      timeoutMs: timeoutMsOf(request),
      signal: rest === null ? request.signal : AbortSignal.any([request.signal, brokenOff.signal]),
      background: backgroundOf(context),
    })
    return forwarded.catch(error => {
      throw brokenOff.signal.aborted ? brokenOff.signal.reason : error
    })
  }
}
