/** A server that runs, as commands ask it. */
import { ErrorBody } from '../../src/protocol/errors.ts'

/**
 * Sends a form, with the key in `AURICLE_API_KEY` where there is one.
 * @throws Error with what the server says
 */
export async function post(url: string, path: string, body: FormData): Promise<Response> {
  const key = process.env['AURICLE_API_KEY']
  const response = await fetch(new URL(path, url), {
    method: 'POST',
    body,
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
  }).catch((cause: unknown) => {
    throw new Error(`${url} does not answer. Start a server with npm start, or name one with --url.`, {
      cause,
    })
  })
  if (response.ok) return response
  const error = ErrorBody.safeParse(await response.json().catch(() => null))
  throw new Error(error.data?.error.message ?? `the server answered with status ${response.status}`)
}
