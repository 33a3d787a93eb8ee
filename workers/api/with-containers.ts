/** The edge on Cloudflare with workers in containers beside it; `infra/hosts/cloudflare/wrangler.toml`. */

export { WorkerContainer } from '../container/worker-container.ts'
export * from './main.ts'
export { default } from './main.ts'
