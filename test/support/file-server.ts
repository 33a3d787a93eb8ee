/** A server of files as the Hugging Face hub is one: a list, ranges, and connections that break. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What it has, by path. */
export type Files = Readonly<Record<string, Buffer>>

export class FileServer {
  url = ''
  /** `GET path range`, as they came. */
  readonly requests: string[] = []
  /** Breaks the next connections after so many bytes of a file. */
  breakAfter: number[] = []
  /** Sends the whole file, whatever part is asked for. */
  ignoresRanges = false
  readonly #files: Files
  readonly #hashes: ReadonlyMap<string, string>
  readonly #server = createServer((request, response) => this.#serve(request, response))

  /** @param hashes SHA-256 of those files that are kept as large ones */
  constructor(files: Files, hashes: ReadonlyMap<string, string> = new Map()) {
    this.#files = files
    this.#hashes = hashes
  }

  async start(): Promise<this> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    return this
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url!, this.url)
    const range = request.headers.range
    this.requests.push(`${request.method} ${pathname}${range === undefined ? '' : ` ${range}`}`)
    if (pathname === '/api/models/auricle/tiny/tree/main') {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(this.#list()))
      return
    }
    const path = pathname.replace('/auricle/tiny/resolve/main/', '').replace(/^\//, '')
    const bytes = this.#files[path]
    if (bytes === undefined) {
      response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end()
      return
    }
    const [, start = '0', end = ''] =
      /^bytes=(\d+)-(\d*)$/.exec(this.ignoresRanges ? '' : (range ?? '')) ?? []
    const part = bytes.subarray(Number(start), end === '' ? undefined : Number(end) + 1)
    response.setHeader('etag', `"${this.#hashes.get(path) ?? path}"`)
    response.setHeader('content-length', part.byteLength)
    if (part.byteLength < bytes.byteLength || (range !== undefined && !this.ignoresRanges)) {
      response.statusCode = 206
      response.setHeader(
        'content-range',
        `bytes ${start}-${Number(start) + part.byteLength - 1}/${bytes.byteLength}`,
      )
    }
    const isProbe = part.byteLength <= 1
    const breakAfter = isProbe ? undefined : this.breakAfter.shift()
    if (breakAfter === undefined || breakAfter >= part.byteLength) response.end(part)
    else response.write(part.subarray(0, breakAfter), () => response.destroy())
  }

  #list(): object[] {
    return Object.entries(this.#files).map(([path, { byteLength: size }]) => {
      const oid = this.#hashes.get(path)
      return { type: 'file', path, size, oid: '0', ...(oid && { lfs: { oid, size, pointerSize: 130 } }) }
    })
  }
}
