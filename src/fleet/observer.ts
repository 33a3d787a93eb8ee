/** What happens in the fleet, for logs and metrics. Holds no audio and no text. */
export type FleetEvent =
  /** One request to one worker is over, or its stream has begun. */
  | {
      type: 'attempt'
      requestId: string
      worker: string
      outcome: 'answered' | 'refused' | 'failed' | 'cancelled'
      durationMs: number
    }
  /** Sent again to another worker; `hedge`: beside the first, which is late. */
  | { type: 'retry'; requestId: string; hedge: boolean }
  /** Not sent again, since too much was already. */
  | { type: 'retry-denied'; requestId: string }
  /** Refused at the door: it would have waited for too long. */
  | { type: 'shed'; requestId: string; model: string; waitMs: number }
  /** A worker was called for. */
  | { type: 'start'; model: string; understood: boolean }

/** Takes them as they happen; must not throw. */
export type FleetObserver = (event: FleetEvent) => void
