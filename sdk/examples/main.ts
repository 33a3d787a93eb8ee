/** Runs an example in Node, Deno or Bun: `node sdk/examples/main.ts ask web/samples/inaugural.wav`. */
import process from 'node:process'
import { Auricle } from '@auricle/sdk'
import { examples, isExample } from './examples.ts'

const [name = '', recording] = process.argv.slice(2)
if (!isExample(name) || recording === undefined) {
  console.error(`usage: main.ts ${Object.keys(examples).join('|')} RECORDING`)
  process.exit(2)
}
// The server is at AURICLE_BASE_URL, or where `npm start` puts it.
await examples[name](new Auricle(), recording, text => process.stdout.write(text))
