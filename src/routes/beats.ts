/** `POST /fleet/v1/beats`: a worker registers, or says how it is. Its signature is its key. */
import type { Handler } from 'hono'
import type { Directory } from '../fleet/directory.ts'
import { maxBeatBytes, signatureHeader } from '../protocol/beat.ts'
import { ApiError } from '../protocol/errors.ts'
import { readBody, requireJson } from '../protocol/read-body.ts'

/**
 * The route; null: workers can't register here.
 * @throws ApiError invalid_signature, invalid_request, payload_too_large, overloaded, not_found
 */
export function beats(directory: Directory | null): Handler {
  return async context => {
    if (directory === null) {
      throw new ApiError('not_found', { message: 'Workers do not register here. Set AURICLE_FLEET_SECRET.' })
    }
    const request = context.req.raw
    requireJson(request)
    const body = await readBody(request, maxBeatBytes)
    return context.json(await directory.accept(request.headers.get(signatureHeader), body))
  }
}
