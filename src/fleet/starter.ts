/**
 * Calls for a worker where none is: a webhook, a Kubernetes Deployment, a RunPod pod, a Modal app. Each is one HTTP
 * request; that a worker came of it is seen when it registers or answers.
 */
import * as z from 'zod'
import { type Clock, timeoutSignal } from './clock.ts'

/** What can be started, and how: the value of AURICLE_STARTER. */
export const StarterSettings = z.discriminatedUnion('kind', [
  z.strictObject({
    /** Any service: `POST url` with `{"event":"worker_needed","model":...}`. */
    kind: z.literal('webhook'),
    url: z.url({ protocol: /^https?$/ }),
    token: z.string().optional(),
    models: z.array(z.string()).min(1),
  }),
  z.strictObject({
    /** `spec.replicas` of a Deployment is set to `replicas` through its scale subresource. */
    kind: z.literal('kubernetes'),
    /** Of the API server, e.g. `https://kubernetes.default.svc`. */
    url: z.url({ protocol: /^https?$/ }),
    /** Of a service account that may patch `deployments/scale`. */
    token: z.string(),
    namespace: z.string().regex(/^[a-z0-9-]{1,63}$/),
    deployment: z.string().regex(/^[a-z0-9.-]{1,253}$/),
    replicas: z.int().min(1).default(1),
    models: z.array(z.string()).min(1),
  }),
  z.strictObject({
    /** A stopped pod is started: `POST /v1/pods/{id}/start`. */
    kind: z.literal('runpod'),
    url: z.url({ protocol: /^https?$/ }).default('https://rest.runpod.io'),
    token: z.string(),
    pod: z.string().regex(/^[\w-]{1,64}$/),
    models: z.array(z.string()).min(1),
  }),
  z.strictObject({
    /** A request to a Modal web endpoint starts a container for it; it is let go of as soon as it is sent. */
    kind: z.literal('modal'),
    url: z.url({ protocol: /^https?$/ }),
    /** `Modal-Key` and `Modal-Secret`, where the endpoint asks for them. */
    key: z.string().optional(),
    secret: z.string().optional(),
    models: z.array(z.string()).min(1),
  }),
])
export type StarterSettings = z.infer<typeof StarterSettings>

/** What the fleet calls when a model has no worker. */
export interface Starter {
  /** The models that it can start a worker for. */
  readonly models: readonly string[]
  /** Calls for a worker, once in a while however often it is asked. Never rejects; false when the call failed. */
  start(model: string): Promise<boolean>
}

/** A start that was called for isn't called for again for so long. */
const callEveryMs = 15_000
/** A service that takes longer to say that it has understood is taken to have understood. */
const callTimeoutMs = 10_000

/** One starter an edge process or isolate. */
export function createStarter(
  settings: StarterSettings,
  { fetch, clock }: { fetch: typeof globalThis.fetch; clock: Clock },
): Starter {
  const calledAtMs = new Map<string, number>()
  return {
    models: settings.models,
    async start(model) {
      const last = calledAtMs.get(model) ?? Number.NEGATIVE_INFINITY
      if (clock.now() - last < callEveryMs) return true
      calledAtMs.set(model, clock.now())
      const timer = timeoutSignal(clock, callTimeoutMs)
      try {
        const { url, init } = startRequest(settings, model)
        const response = await fetch(url, { ...init, signal: timer.signal })
        await response.body?.cancel()
        // Modal answers with what the endpoint does, and a redirect when it takes long: both mean that it has begun.
        const understood = response.ok || (settings.kind === 'modal' && response.status !== 401)
        if (!understood) calledAtMs.delete(model)
        return understood
      } catch {
        const understood = settings.kind === 'modal' && timer.signal.aborted
        if (!understood) calledAtMs.delete(model)
        return understood
      } finally {
        timer.clear()
      }
    },
  }
}

/** The request that starts a worker. */
export function startRequest(settings: StarterSettings, model: string): { url: string; init: RequestInit } {
  switch (settings.kind) {
    case 'webhook': {
      const body = { event: 'worker_needed', model }
      return { url: settings.url, init: jsonRequest('POST', body, bearer(settings.token)) }
    }
    case 'kubernetes': {
      // Reference: "Scale" in the Deployment API, autoscaling/v1.
      const { namespace, deployment, replicas } = settings
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}/scale`
      const headers = { ...bearer(settings.token), 'content-type': 'application/merge-patch+json' }
      return { url: under(settings.url, path), init: jsonRequest('PATCH', { spec: { replicas } }, headers) }
    }
    case 'runpod': {
      const path = `/v1/pods/${settings.pod}/start`
      return { url: under(settings.url, path), init: { method: 'POST', headers: bearer(settings.token) } }
    }
    case 'modal': {
      const { key, secret } = settings
      const headers = key && secret ? { 'modal-key': key, 'modal-secret': secret } : {}
      return { url: under(settings.url, '/readyz'), init: { headers, redirect: 'manual' } }
    }
  }
}

function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

function jsonRequest(method: string, body: object, headers: Record<string, string>): RequestInit {
  return { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } }
}

function under(base: string, path: string): string {
  return base.replace(/\/+$/, '') + path
}
