/**
 * A worker of ours in a container of Cloudflare's: started by its first request, stopped when nobody has asked for a
 * while. The edge reaches it by its binding alone (`workers/api/container-fetch.ts`); it has no address elsewhere.
 */
import { Container } from '@cloudflare/containers'

export class WorkerContainer extends Container {
  override defaultPort = 8081
  override sleepAfter = '10m'
  override pingEndpoint = 'worker/healthz'
  override envVars = { HOST: '0.0.0.0', PORT: '8081', AURICLE_SLOTS: '4' }
}
