import type { EdgeTrace } from './observability/edge-trace.ts'

/** What middleware leaves in a request's context for what comes after it. */
export interface EdgeEnv {
  Variables: {
    /** Id of the request, safe to log and to send on. */
    requestId: string
    /** Where its time goes, and its place in the caller's trace. */
    trace: EdgeTrace
    /** Whose request it is; safe as a part of a key. */
    tenant: string
    /** Id of the API key that was shown; null where none is asked for. */
    keyId: string | null
  }
}
