import { describe, expect, test } from 'vitest'
import { ApiError, ErrorBody, errorCatalogue, toApiError, toErrorBody, toErrorHeaders } from './errors.ts'

describe('the catalogue', () => {
  test.each(Object.entries(errorCatalogue))(
    '%s has a status, a type that fits it, and a remedy',
    (_code, entry) => {
      expect(entry.status).toBeGreaterThanOrEqual(400)
      expect(entry.status).toBeLessThan(600)
      expect(entry.type === 'server_error').toBe(entry.status >= 500)
      expect(entry.remedy).toMatch(/\.$/)
    },
  )

  test('only what may succeed unchanged is retryable', () => {
    for (const { status, retryable } of Object.values(errorCatalogue)) {
      expect(retryable).toBe(status === 429 || status >= 500)
    }
  })
})

describe('toErrorBody', () => {
  test('gives OpenAI’s shape', () => {
    const error = new ApiError('model_not_found', {
      message: "The model 'x' does not exist.",
      param: 'model',
    })
    expect(toErrorBody(error)).toEqual({
      error: {
        message: "The model 'x' does not exist.",
        type: 'invalid_request_error',
        param: 'model',
        code: 'model_not_found',
      },
    })
    expect(ErrorBody.safeParse(toErrorBody(error)).success).toBe(true)
  })

  test('shows nothing of an error that was not meant for the caller', () => {
    const body = JSON.stringify(toErrorBody(new Error('password=hunter2 at /home/me/secret.ts')))
    expect(body).not.toMatch(/hunter2|secret/)
    expect(toApiError('thrown text').code).toBe('internal_error')
  })
})

test('toErrorHeaders says whether and when to send again, in whole seconds', () => {
  expect(toErrorHeaders(new ApiError('overloaded', { message: 'full', retryAfterSeconds: 1.2 }))).toEqual({
    'x-should-retry': 'true',
    'retry-after': '2',
  })
  expect(toErrorHeaders(new ApiError('invalid_json', { message: 'no' }))).toEqual({
    'x-should-retry': 'false',
  })
})
