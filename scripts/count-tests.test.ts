import { expect, test } from 'vitest'
import { countTests } from './count-tests.ts'

test('counts tests, files that fail outside their tests, and a missing report', () => {
  const report = {
    testResults: [
      { status: 'passed', assertionResults: [{ status: 'passed' }, { status: 'passed' }] },
      {
        status: 'failed',
        assertionResults: [{ status: 'passed' }, { status: 'failed' }, { status: 'failed' }],
      },
      { status: 'failed', assertionResults: [] },
      { status: 'passed', assertionResults: [{ status: 'pending' }] },
    ],
  }
  expect(countTests(report, 'failed')).toEqual({ passed: 3, failed: 3 })
  expect(countTests(null, 'passed')).toEqual({ passed: 0, failed: 1 })
})

test('a run that fails without a failed test has failed', () => {
  const report = { testResults: [{ status: 'passed', assertionResults: [{ status: 'passed' }] }] }
  expect(countTests(report, 'passed')).toEqual({ passed: 1, failed: 0 })
  expect(countTests(report, 'failed')).toEqual({ passed: 1, failed: 1 })
})
