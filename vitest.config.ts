import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      // Beside the code: no weights, no network, no other process.
      {
        test: {
          name: 'unit',
          include: ['{src,gpu-worker,workers,sdk,bench,scripts,web}/**/*.test.ts'],
          // No test asserts a time, and machines may be busy.
          testTimeout: 60_000,
        },
      },
      // Across processes, with the committed weights.
      {
        test: {
          name: 'e2e',
          include: ['test/{e2e,faults,parity,soak}/**/*.test.ts'],
          setupFiles: ['test/support/conforming-fetch.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      // Broken inputs, 50,000 of them: `npm run test:fuzz`.
      {
        test: {
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts'],
          testTimeout: 600_000,
        },
      },
      // With real servers, of S3 and of Redis: `npm run test:servers`.
      {
        test: {
          name: 'servers',
          include: ['test/servers/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      // Beside transformers, live: `npm run test:parity`.
      {
        test: {
          name: 'parity-python',
          include: ['test/parity-python/**/*.test.ts'],
          globalSetup: ['test/parity-python/write-references.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      // The long ones at full length: `npm run test:soak`.
      {
        test: {
          name: 'soak',
          include: ['test/soak/**/*.test.ts'],
          env: { AURICLE_SOAK_PAIRS: '1000', AURICLE_SOAK_ABORTS: '1000' },
          fileParallelism: false,
        },
      },
      // The page in Chromium: `npm run test:browser`.
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
