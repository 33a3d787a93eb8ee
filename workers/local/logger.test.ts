import { expect, test } from 'vitest'
import { createLog } from './logger.ts'

function logAt(level: string) {
  const lines: Record<string, unknown>[] = []
  const log = createLog(level, { write: line => lines.push(JSON.parse(line)) })
  return { log, lines }
}
const record = {
  requestId: 'req_1',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  tenant: 'acme',
  method: 'POST',
  route: '/v1/chat/completions',
  status: 200,
  durationMs: 12.5,
  streamed: true,
}

test('a line a request, by its id', () => {
  const { log, lines } = logAt('info')
  log.request(record)
  expect(lines).toMatchObject([{ level: 30, event: 'request', ...record }])
})

test('quiet unless something is wrong', () => {
  const { log, lines } = logAt('warn')
  log.request(record)
  log.fleet({ type: 'attempt', requestId: 'req_1', worker: 'a', outcome: 'answered', durationMs: 1 })
  log.fleet({ type: 'retry', requestId: 'req_1', hedge: false })
  expect(lines).toEqual([])
  log.request({ ...record, status: 502 })
  log.fleet({ type: 'start', model: 'pocket', understood: false })
  expect(lines.map(({ event }) => event)).toEqual(['request', 'start'])
})

test('an error shows where it was thrown, and not what a request held', () => {
  const { log, lines } = logAt('warn')
  const cause = new Error('the caller said: my password is 1234')
  log.error(new Error('The worker broke off.', { cause }), 'req_9')
  expect(lines[0]).toMatchObject({ requestId: 'req_9', event: 'error' })
  expect(JSON.stringify(lines)).toContain('logger.test.ts')
  expect(JSON.stringify(lines)).not.toContain('1234')
})
