/** The id of a request: the caller's own (`x-request-id`) where it is safe to repeat and to log, else a new one. */
export function requestIdOf(request: Request): string {
  const sent = request.headers.get('x-request-id')
  return sent !== null && /^[\w.-]{1,128}$/.test(sent) ? sent : `req_${crypto.randomUUID()}`
}
