/** The headers with which the edge tells a worker who asks, and with which a caller says how long they wait. */
import { ApiError } from './errors.ts'

/** Set by the edge, never taken from a client. */
export const tenantHeader = 'x-auricle-tenant'
/** Seconds, decimals allowed, from the request's arrival to the end of the answer. */
export const timeoutHeader = 'x-request-timeout'
/** Seconds of audio that a worker received with a request, where it knows when its answer begins. */
export const audioSecondsHeader = 'x-auricle-audio-seconds'
/** Who asks where no keys are configured. */
export const defaultTenant = 'default'

/**
 * The tenant that a request is made for: caches and turns are kept apart by it.
 * @throws ApiError `invalid_request` for a name that isn't one; taking it for another tenant would mix the two
 */
export function tenantOf(request: Request): string {
  const tenant = request.headers.get(tenantHeader) ?? defaultTenant
  if (/^[\w.:-]{1,128}$/.test(tenant)) return tenant
  throw new ApiError('invalid_request', {
    message: `Invalid ${tenantHeader}: expected 1 to 128 letters, digits, or one of _ . : -`,
    param: tenantHeader,
  })
}

/**
 * How long the caller waits, in milliseconds; null when they don't say.
 * @throws ApiError `invalid_request`
 */
export function timeoutMsOf(request: Request): number | null {
  const text = request.headers.get(timeoutHeader)
  if (text === null) return null
  const seconds = /^\d{1,5}(\.\d{1,6})?$/.test(text) ? Number(text) : 0
  if (seconds > 0) return seconds * 1000
  throw new ApiError('invalid_request', {
    message: `Invalid ${timeoutHeader}: expected seconds above 0 and below 100000, such as 2.5.`,
    param: timeoutHeader,
  })
}
