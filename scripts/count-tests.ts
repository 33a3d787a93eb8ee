/**
 * Adds up reports of test runs (Vitest's JSON, pytest's JUnit XML) and prints `N passed, N failed`; exits with 1 if
 * anything failed.
 *
 * node scripts/count-tests.ts FAILED_STEPS passed:REPORT failed:REPORT ...   (how each run exited)
 */
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

/** What of Vitest's (Jest's) JSON report is read. */
interface Report {
  testResults: { status: string; assertionResults: { status: string }[] }[]
}

export interface Count {
  passed: number
  failed: number
}

/**
 * @param report null for a run that never came to write one, which counts as a failure
 * @param exited how the runner ended: a failure that no test owns up to counts as one
 * @returns each test, and each file that failed outside its tests (an import, a hook)
 */
export function countTests(report: Report | null, exited: 'passed' | 'failed'): Count {
  if (report === null) return { passed: 0, failed: 1 }
  const count = { passed: 0, failed: 0 }
  for (const { status, assertionResults } of report.testResults) {
    const failed = assertionResults.filter(test => test.status === 'failed').length
    count.passed += assertionResults.filter(test => test.status === 'passed').length
    count.failed += status === 'failed' ? Math.max(1, failed) : failed
  }
  if (exited === 'failed') count.failed = Math.max(1, count.failed)
  return count
}

/** As `countTests`, of the XML that pytest writes. */
export function countJUnit(report: string, exited: 'passed' | 'failed'): Count {
  const suites = [...report.matchAll(/<testsuite\s[^>]*>/g)].map(([suite]) => suite)
  if (suites.length === 0) return { passed: 0, failed: 1 }
  const sum = (name: string) =>
    suites.reduce(
      (total, suite) => total + Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suite)?.[1] ?? 0),
      0,
    )
  const failed = sum('failures') + sum('errors')
  const passed = sum('tests') - failed - sum('skipped')
  return { passed, failed: exited === 'failed' ? Math.max(1, failed) : failed }
}

function countReport(path: string, exited: 'passed' | 'failed'): Count {
  try {
    const report = readFileSync(path, 'utf8')
    return path.endsWith('.xml') ? countJUnit(report, exited) : countTests(JSON.parse(report), exited)
  } catch {
    return countTests(null, exited)
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [failedSteps = '0', ...runs] = process.argv.slice(2)
  const counts = runs.map(run => {
    const [exited, path = ''] = run.split(/:(.*)/)
    return countReport(path, exited === 'passed' ? 'passed' : 'failed')
  })
  const passed = counts.reduce((sum, count) => sum + count.passed, 0)
  const failed = counts.reduce((sum, count) => sum + count.failed, Number(failedSteps))
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed > 0 ? 1 : 0
}
