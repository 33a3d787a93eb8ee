import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { RequestScanner, type ScannedRequest } from './scan-request.ts'

// Many cases a test, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

function scan(text: string, pieceBytes = Number.POSITIVE_INFINITY): ScannedRequest {
  const scanner = new RequestScanner()
  const bytes = new TextEncoder().encode(text)
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) scanner.push(bytes.subarray(at, at + pieceBytes))
  return scanner.found
}

describe('RequestScanner', () => {
  test.each<[string, ScannedRequest]>([
    ['{"model":"pocket","stream":true}', { model: 'pocket', stream: true }],
    ['{"stream" : true , "model" : "pocket"}', { model: 'pocket', stream: true }],
    [
      '{"messages":[{"model":"inner","stream":true}],"model":"outer","stream":false}',
      { model: 'outer', stream: false },
    ],
    ['{"x":"\\"model\\":\\"fake\\"","model":"real"}', { model: 'real', stream: false }],
    ['{"x":"model","model":"real"}', { model: 'real', stream: false }],
    ['{"m\\u006fdel":"a\\u0062"}', { model: 'ab', stream: false }],
    ['{"model":null,"stream":null}', { model: null, stream: false }],
    ['{"x":"\\\\","model":"after a backslash"}', { model: 'after a backslash', stream: false }],
    ['{"model":"poc', { model: null, stream: false }],
    ['["model","x"]', { model: null, stream: false }],
    ['', { model: null, stream: false }],
  ])('%s', (text, found) => {
    expect(scan(text)).toEqual(found)
    expect(scan(text, 1)).toEqual(found)
  })

  test('finds what JSON.parse finds, wherever it is and however it is cut', () => {
    const member = fc.tuple(
      fc
        .oneof(fc.constantFrom('messages', 'user', 'x\\', '"'), fc.string())
        .filter(name => name !== 'model' && name !== 'stream'),
      fc.jsonValue({ maxDepth: 3 }),
    )
    const request = fc.record({
      before: fc.array(member, { maxLength: 5 }),
      model: fc.string({ maxLength: 40 }),
      stream: fc.boolean(),
      after: fc.array(member, { maxLength: 5 }),
      space: fc.constantFrom(undefined, 1),
      piece: fc.integer({ min: 1, max: 50 }),
    })
    fc.assert(
      fc.property(request, ({ before, model, stream, after, space, piece }) => {
        const object = Object.fromEntries([...before, ['model', model], ['stream', stream], ...after])
        expect(scan(JSON.stringify(object, null, space), piece)).toEqual({ model, stream })
      }),
    )
  })
})
