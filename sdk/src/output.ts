/** Structured output: from a schema to the request, and from the answer's text to a checked value. */
import { OutputError } from './errors.ts'
import type { ChatCompletion } from './wire.ts'

/** What is used of Standard Schema (standardschema.dev), which zod, valibot and arktype speak. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Validation<Output> | Promise<Validation<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}
type Validation<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[]
    }

/** A Standard Schema that can tell itself as JSON Schema, as zod's can. */
export interface StandardJsonSchema<Output = unknown> {
  readonly '~standard': StandardSchema<Output>['~standard'] & {
    readonly jsonSchema: {
      readonly input: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown>
    }
  }
}

/** What an answer is to look like: such a schema, or any Standard Schema with its JSON Schema beside it. */
export type OutputSchema<Output = unknown> =
  | StandardJsonSchema<Output>
  | { schema: StandardSchema<Output>; jsonSchema: Record<string, unknown> }

/** The type of what a schema takes an answer for. */
export type OutputOf<Schema> = Schema extends { schema: infer Inner }
  ? OutputOf<Inner>
  : Schema extends StandardSchema<infer Output>
    ? Output
    : never

/** The field `response_format` that asks for it. */
export function responseFormatOf(output: OutputSchema): {
  type: 'json_schema'
  json_schema: { name: string; schema: Record<string, unknown>; strict: true }
} {
  const schema =
    'schema' in output ? output.jsonSchema : output['~standard'].jsonSchema.input({ target: 'draft-2020-12' })
  return { type: 'json_schema', json_schema: { name: 'output', schema, strict: true } }
}

/** The value in the answer. @throws OutputError when it was cut off, isn't JSON, or isn't what the schema says */
export async function parseOutput<Output>(
  output: OutputSchema<Output>,
  { choices: [choice] }: ChatCompletion,
): Promise<Output> {
  const text = choice?.message.content ?? ''
  if (choice?.finish_reason === 'length') {
    throw new OutputError('The answer was cut off. Allow more tokens (max_completion_tokens).', text)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new OutputError('The answer is not JSON.', text, { cause })
  }
  const { '~standard': standard } = 'schema' in output ? output.schema : output
  const validation = await standard.validate(value)
  if (validation.issues === undefined) return validation.value
  const issues = validation.issues.map(({ message, path }) =>
    path?.length ? `${path.join('.')}: ${message}` : message,
  )
  throw new OutputError(`The answer does not fit the schema: ${issues.join('; ')}`, text)
}
