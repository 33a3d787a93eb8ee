/** Runs an example of the SDK where the bundle of this is loaded: in a page, or in workerd. Not for Node's tests. */
import { Auricle } from '@auricle/sdk'
import { examples } from '../../sdk/examples/examples.ts'

/** What the example prints, about a recording of the server's own page. */
export async function runExample(name: keyof typeof examples, baseUrl: string): Promise<string> {
  let printed = ''
  const recording = new URL('/samples/inaugural.wav', baseUrl)
  await examples[name](new Auricle({ baseUrl }), recording, text => {
    printed += text
  })
  return printed
}

// For pages, which load this as a script.
Object.assign(globalThis, { runExample })

/** For workerd: `?example=ask&server=http://...`. */
export default {
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url)
    const name = searchParams.get('example') as keyof typeof examples
    return new Response(await runExample(name, searchParams.get('server')!))
  },
}
