import { expect, test } from 'vitest'
import { countJUnit, countTests } from './count-tests.ts'

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

test('counts what pytest writes: errors are failures, what is skipped is neither', () => {
  const report =
    '<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="1"></testsuite></testsuites>'
  expect(countJUnit(report, 'failed')).toEqual({ passed: 4, failed: 3 })
  expect(
    countJUnit('<testsuites><testsuite errors="0" failures="0" skipped="0" tests="5">', 'passed'),
  ).toEqual({
    passed: 5,
    failed: 0,
  })
  expect(countJUnit('', 'passed')).toEqual({ passed: 0, failed: 1 })
})
