import { describe, expect, test } from 'vitest'
import { readConfiguration } from './configuration.ts'

describe('readConfiguration', () => {
  test('serves this machine alone by default', () => {
    expect(readConfiguration({})).toEqual({
      port: 8080,
      host: '127.0.0.1',
      fleet: { workers: [], secrets: [], starter: null, maxWaitMs: null },
      logLevel: 'warn',
      metricsPort: null,
      corsOrigins: [],
      keys: null,
      limits: null,
      limitsStore: null,
      store: expect.stringMatching(/build\/store$/),
      otlpServiceName: null,
    })
  })

  test('takes what is set', () => {
    expect(
      readConfiguration({
        PORT: '0',
        HOST: '::1',
        AURICLE_WORKERS: 'http://gpu:1',
        AURICLE_CORS_ORIGINS: 'http://a,http://b',
        AURICLE_KEYS: 'store',
        AURICLE_LIMITS: '{}',
        AURICLE_LIMITS_STORE: 'redis://redis:6379',
        AURICLE_STORE: 's3://bucket',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      }),
    ).toEqual({
      port: 0,
      host: '::1',
      fleet: {
        workers: [{ id: 'http://gpu:1', url: 'http://gpu:1' }],
        secrets: [],
        starter: null,
        maxWaitMs: null,
      },
      logLevel: 'warn',
      metricsPort: null,
      corsOrigins: ['http://a', 'http://b'],
      keys: 'store',
      limits: '{}',
      limitsStore: 'redis://redis:6379',
      store: 's3://bucket',
      otlpServiceName: 'auricle-edge',
    })
  })

  test.each(['0.0.0.0', '::', '192.168.1.5', 'example.com', '127.0.0.1.example.com'])(
    'refuses to bind %s unless keys are asked for or that is allowed',
    host => {
      expect(() => readConfiguration({ HOST: host })).toThrow(/AURICLE_ALLOW_REMOTE=1/)
      expect(readConfiguration({ HOST: host, AURICLE_ALLOW_REMOTE: '1' }).host).toBe(host)
      expect(readConfiguration({ HOST: host, AURICLE_KEYS: 'store' }).host).toBe(host)
    },
  )

  test.each([
    [{ PORT: 'x' }, /PORT/],
    [{ PORT: '70000' }, /PORT/],
    [{ AURICLE_WORKERS: 'gpu' }, /AURICLE_WORKERS/],
    [{ AURICLE_ALLOW_REMOTE: 'yes' }, /AURICLE_ALLOW_REMOTE/],
    [{ AURICLE_LIMITS_STORE: 'redis' }, /AURICLE_LIMITS_STORE/],
  ])('says which variable of %o is wrong', (environment, message) => {
    expect(() => readConfiguration(environment)).toThrow(message)
  })
})
