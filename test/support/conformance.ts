/**
 * Holds answers against the OpenAPI document: every response of the API that passes a wrapped fetch is checked while
 * it is read, by its path, status and content type. And what the API took, the document must take as well.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { doneData, ServerSentEventParser } from '../../src/protocol/sse.ts'
import { buildDocument } from '../../src/routes/openapi.ts'
import { operations } from '../../src/routes/operations.ts'

interface Content {
  schema?: unknown
}
interface DocumentedOperation {
  requestBody?: { content: Record<string, Content> }
  responses: Record<string, { $ref?: string; content: Record<string, Content> }>
}
interface Document {
  paths: Record<string, Record<string, DocumentedOperation>>
  components: { responses: Record<string, { content: Record<string, Content> }> }
}

/** What was sent; only the path of the URL counts. */
export interface Sent {
  method: string
  url: string
  /** Its body, where it is text. */
  body?: string | undefined
}

/** What doesn't fit, one sentence each, since it was last asked. */
export class Conformance {
  readonly #document = buildDocument(operations) as unknown as Document
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
  readonly #compiled = new Map<unknown, ValidateFunction>()
  #problems: string[] = []

  constructor() {
    this.#ajv.addSchema(this.#document, 'api')
  }

  takeProblems(): string[] {
    const problems = this.#problems
    this.#problems = []
    return problems
  }

  /** The fetch, with every response of the API checked as it is read. */
  wrapFetch(inner: typeof fetch): typeof fetch {
    return async (input, init) => {
      const response = await inner(input, init)
      const url = input instanceof Request ? input.url : String(input)
      const method = (init?.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase()
      return this.observe(response, {
        method,
        url,
        body: typeof init?.body === 'string' ? init.body : undefined,
      })
    }
  }

  /** The same response; what of its body is read, is checked. */
  observe(response: Response, sent: Sent): Response {
    const operation = this.#operationOf(sent)
    if (operation === undefined) return response
    const label = `${sent.method} ${new URL(sent.url, 'http://localhost').pathname}: ${response.status}`
    const answer = operation.responses[response.status]
    if (answer === undefined) {
      this.#problems.push(`${label} is not documented`)
      return response
    }
    if (response.ok) this.#checkRequest(operation, sent, label)
    const { content } = answer.$ref === undefined ? answer : this.#resolve(answer.$ref)
    const type = (response.headers.get('content-type') ?? '').split(';')[0]!.trim()
    const documented = content?.[type]
    if (documented === undefined) {
      if (response.body !== null && content !== undefined) {
        this.#problems.push(`${label} with content type '${type}' is not documented`)
      }
      return response
    }
    if (documented.schema === undefined || response.body === null) return response
    const check = (text: string) => this.#check(documented.schema, type, text, label)
    const observer = type === 'text/event-stream' ? eventObserver(check) : textObserver(check)
    const observed = new Response(response.body.pipeThrough(observer), response)
    return Object.defineProperty(observed, 'url', { value: response.url })
  }

  #operationOf({ method, url }: Sent): DocumentedOperation | undefined {
    const path = new URL(url, 'http://localhost').pathname
    for (const [template, methods] of Object.entries(this.#document.paths)) {
      const pattern = template.replace(/[.]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')
      if (new RegExp(`^${pattern}$`).test(path)) return methods[method.toLowerCase()]
    }
    return undefined
  }

  #resolve(reference: string): { content: Record<string, Content> } {
    return this.#document.components.responses[reference.split('/').at(-1)!]!
  }

  #checkRequest(operation: DocumentedOperation, sent: Sent, label: string): void {
    const schema = operation.requestBody?.content['application/json']?.schema
    if (schema === undefined || sent.body === undefined) return
    this.#check(schema, 'application/json', sent.body, `${label}, the request`)
  }

  /** An event of a stream may also be an error, as OpenAI has it. */
  #check(schema: unknown, type: string, text: string, label: string): void {
    if (!type.includes('json') && type !== 'text/event-stream') return
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      this.#problems.push(`${label} is not JSON: ${text.slice(0, 100)}`)
      return
    }
    const isError =
      type === 'text/event-stream' && typeof value === 'object' && value !== null && 'error' in value
    const validate = this.#validator(isError ? { $ref: '#/components/schemas/ErrorBody' } : schema)
    if (validate(value)) return
    const reasons = this.#ajv.errorsText(validate.errors, { dataVar: 'body' })
    this.#problems.push(`${label}: ${reasons}, in ${text.slice(0, 300)}`)
  }

  #validator(schema: unknown): ValidateFunction {
    const key = JSON.stringify(schema)
    let validate = this.#compiled.get(key)
    if (validate === undefined) {
      validate = this.#ajv.compile(JSON.parse(key.replaceAll('"#/components', '"api#/components')))
      this.#compiled.set(key, validate)
    }
    return validate
  }
}

/** Checks a body when it has been read to its end; one that is given up or breaks off is nobody's fault here. */
function textObserver(check: (text: string) => void): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder()
  let text = ''
  return new TransformStream({
    transform(bytes, controller) {
      text += decoder.decode(bytes, { stream: true })
      controller.enqueue(bytes)
    },
    flush: () => check(text),
  })
}

/** Checks each event as it passes. */
function eventObserver(check: (data: string) => void): TransformStream<Uint8Array, Uint8Array> {
  const parser = new ServerSentEventParser()
  return new TransformStream({
    transform(bytes, controller) {
      for (const { data } of parser.push(bytes)) if (data !== doneData) check(data)
      controller.enqueue(bytes)
    },
  })
}
