/** The fake worker as a process, as workers/local starts one. `FAKE_WORKER_FAILS=1` makes it die at once. */
import { startFakeWorker } from './fake-worker.ts'

if (process.env['FAKE_WORKER_FAILS'] === '1') process.exit(3)
const worker = await startFakeWorker({ port: Number(process.env['FAKE_WORKER_PORT'] ?? 0) })
console.log(JSON.stringify({ event: 'listening', port: worker.port }))
console.log(JSON.stringify({ event: 'pid', pid: process.pid }))
process.on('SIGTERM', () => void worker.stop().then(() => process.exit(0)))
