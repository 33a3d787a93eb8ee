/** `GET /docs`: the OpenAPI document as a page to read. No script, and nothing from elsewhere: it works without a network. */
import type { Handler } from 'hono'
import { html, raw } from 'hono/html'
import { errorCatalogue } from '../protocol/errors.ts'
import { buildDocument, type DocumentSchema } from './openapi.ts'
import { operations } from './operations.ts'

type Html = ReturnType<typeof html>

/** As far as the document uses it. */
interface Answer {
  $ref?: string
  description: string
  content?: Record<string, { schema?: DocumentSchema }>
}
interface DocumentedOperation {
  operationId: string
  summary: string
  description?: string
  parameters?: { name: string; in: string; required: boolean; schema: DocumentSchema }[]
  requestBody?: { content: Record<string, { schema?: DocumentSchema }> }
  responses: Record<string, Answer>
}

/** The page; made once, when it is first asked for. */
let page: Html | undefined

/** Serves it. */
export const docs: Handler = context => {
  page ??= renderPage()
  context.header('content-security-policy', "default-src 'none'; style-src 'self'; frame-ancestors 'none'")
  return context.html(page)
}

function renderPage(): Html {
  const { info, paths, components } = buildDocument(operations) as unknown as {
    info: { title: string; description: string }
    paths: Record<string, Record<string, DocumentedOperation>>
    components: { schemas: Record<string, DocumentSchema> }
  }
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${info.title}: the API</title>
    <link rel="stylesheet" href="/style.css" />
    <link rel="stylesheet" href="/docs.css" />
  </head>
  <body>
    <main>
      <h1>${info.title}: the API</h1>
      <p>${info.description} For machines: <a href="/openapi.json">openapi.json</a>.</p>
      <nav aria-label="Operations">
        <ul>
          ${all.map(
            ({ path, method, operation }) =>
              html`<li><a href="#${operation.operationId}"><code>${method} ${path}</code></a> ${operation.summary}</li>`,
          )}
        </ul>
      </nav>
      ${all.map(renderOperation)}
      <h2 id="schemas">Schemas</h2>
      ${Object.entries(components.schemas).map(
        ([name, schema]) =>
          html`<section class="card"><h3 id="schema-${name}">${name}</h3>${renderSchema(schema)}</section>`,
      )}
      <h2 id="errors">Errors</h2>
      <div class="scroll">
        <table>
          <thead><tr><th>code</th><th>status</th><th>again?</th><th>what to do</th></tr></thead>
          <tbody>
            ${Object.entries(errorCatalogue).map(
              ([code, { status, retryable, remedy }]) =>
                html`<tr><td><code>${code}</code></td><td>${status}</td><td>${retryable ? 'yes' : 'no'}</td><td>${prose(remedy)}</td></tr>`,
            )}
          </tbody>
        </table>
      </div>
    </main>
  </body>
</html>`
}

function renderOperation({
  path,
  method,
  operation,
}: {
  path: string
  method: string
  operation: DocumentedOperation
}): Html {
  const { operationId, summary, description, parameters = [], requestBody, responses } = operation
  return html`<section class="card" id="${operationId}">
    <h2>${summary}</h2>
    <p><code>${method} ${path}</code></p>
    ${description === undefined ? '' : html`<p>${prose(description)}</p>`}
    ${
      parameters.length === 0
        ? ''
        : html`<h3>Parameters</h3>
          <dl>${parameters.map(each => renderField(`${each.name} (${each.in})`, each.schema, each.required))}</dl>`
    }
    ${requestBody === undefined ? '' : html`<h3>Request</h3>${renderContent(requestBody.content)}`}
    <h3>Answers</h3>
    ${Object.entries(responses)
      .filter(([, { $ref }]) => $ref === undefined)
      .map(
        ([status, answer]) =>
          html`<p><strong>${status}</strong> ${prose(answer.description)}</p>${renderContent(answer.content ?? {})}`,
      )}
    <p class="quiet">Anything else is an <a href="#errors">error</a>, as <a href="#schema-ErrorBody">ErrorBody</a>.</p>
  </section>`
}

function renderContent(content: Record<string, { schema?: DocumentSchema }>): Html {
  return html`<ul>
    ${Object.entries(content).map(
      ([type, { schema }]) =>
        html`<li><code>${type}</code>: ${schema === undefined ? 'bytes' : renderSchema(schema)}</li>`,
    )}
  </ul>`
}

/** An object as a list of its fields, anything else as a type. */
function renderSchema(schema: DocumentSchema): Html {
  if (schema.properties === undefined) return renderType(schema)
  const fields = Object.entries(schema.properties)
  return html`<dl>
    ${fields.map(([name, field]) => renderField(name, field, schema.required?.includes(name) ?? false))}
  </dl>`
}

function renderField(name: string, schema: DocumentSchema, required: boolean): Html {
  return html`<dt><code>${name}</code>${required ? '' : html` <span class="quiet">may be left out</span>`}</dt>
    <dd>${schema.description === undefined ? '' : html`${prose(schema.description)} `}${renderType(schema)}</dd>`
}

function renderType(schema: DocumentSchema): Html {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1)!
    return html`<a href="#schema-${name}">${name}</a>`
  }
  if (schema.properties !== undefined) return renderSchema(schema)
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) return join(choices.map(renderType), ' or ')
  if ('const' in schema) return html`<code>${JSON.stringify(schema.const)}</code>`
  if (schema.enum !== undefined) {
    return join(
      schema.enum.map(value => html`<code>${JSON.stringify(value)}</code>`),
      ' or ',
    )
  }
  if (schema.not !== undefined) return html`nothing`
  if (Array.isArray(schema.type)) {
    return join(
      schema.type.map(type => renderType({ ...schema, type })),
      ' or ',
    )
  }
  if (schema.prefixItems !== undefined) return html`list of ${join(schema.prefixItems.map(renderType), ', ')}`
  if (schema.type === 'array') return html`list of ${renderType(schema.items ?? {})}`
  if (schema.type === 'object') return html`names to ${renderType(schema.additionalProperties || {})}`
  return html`${schema.format === 'binary' ? 'file' : (schema.type ?? 'anything')}${limitsOf(schema)}`
}

const limitNames: Record<string, string> = {
  minimum: 'from',
  exclusiveMinimum: 'above',
  maximum: 'to',
  exclusiveMaximum: 'below',
  minLength: 'characters from',
  maxLength: 'characters to',
  pattern: 'as',
}

/** Bounds that say something: a whole number's own bounds don't. */
function limitsOf(schema: DocumentSchema): string {
  const limits = Object.entries(limitNames)
    .filter(
      ([name]) => schema[name] !== undefined && Math.abs(Number(schema[name])) !== Number.MAX_SAFE_INTEGER,
    )
    .map(([name, words]) => `${words} ${schema[name]}`)
  return limits.length === 0 ? '' : ` (${limits.join(', ')})`
}

/** Text in which `code` is marked, and lists are lines. */
function prose(text: string): Html {
  const pieces = text
    .split('`')
    .map((piece, index) => (index % 2 === 0 ? html`${piece}` : html`<code>${piece}</code>`))
  return join(pieces, '')
}

function join(pieces: Html[], separator: string): Html {
  return html`${pieces.flatMap((piece, index) => (index === 0 ? [piece] : [raw(separator), piece]))}`
}
