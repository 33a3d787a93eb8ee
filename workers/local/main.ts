/** `npm start`: the edge and one worker, on this machine. */
import { readConfiguration } from './configuration.ts'
import { startLocal } from './start-local.ts'

try {
  const server = await startLocal(readConfiguration(process.env), process.env)
  let interrupts = 0
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // Whoever asks twice doesn't want to wait for the answers that are still being written.
      if (++interrupts > 1) process.exit(130)
      console.error('\nFinishing what is being answered; once more to stop at once.')
      void server.stop().then(() => process.exit(0))
    })
  }
  await server.ready()
  console.log(server.banner())
} catch (error) {
  console.error(`auricle: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
