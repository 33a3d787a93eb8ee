/** The log of the Node edge: a JSON line an event, on stderr. */
import { type Logger, pino } from 'pino'
import type { FleetEvent } from '../../src/fleet/observer.ts'
import type { RequestRecord } from '../../src/observability/request-record.ts'

/** Names of fields that never hold anything worth reading, should a later hand log them. */
const redacted = ['authorization', 'body', 'data', 'headers', 'messages', 'text']

export interface EdgeLog {
  request(record: RequestRecord): void
  fleet(event: FleetEvent): void
  error(error: unknown, requestId: string): void
  /** Redis, where edges count together. */
  limitsStoreLost(error: Error): void
}

/** @param level pino's: `debug` shows each request to a worker, `info` each request, `warn` what went wrong */
export function createLog(level: string, destination?: { write(line: string): void }): EdgeLog {
  const options = { level, base: null, redact: redacted, messageKey: 'event' }
  const log: Logger =
    destination === undefined ? pino(options, pino.destination(2)) : pino(options, destination)
  return {
    request: record => log[record.status >= 500 ? 'warn' : 'info'](record, 'request'),
    fleet({ type, ...event }) {
      const isTrouble =
        type === 'retry-denied' || (type === 'start' && 'understood' in event && !event.understood)
      log[isTrouble ? 'warn' : type === 'attempt' ? 'debug' : 'info'](event, type)
    },
    limitsStoreLost: error => log.warn({ error: error.message }, 'limits-store-lost'),
    error: (error, requestId) => log.error({ requestId, error: describe(error) }, 'error'),
  }
}

/** The stack says where; an error's message is ours. What it was caused by may quote a request, and stays out. */
function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
