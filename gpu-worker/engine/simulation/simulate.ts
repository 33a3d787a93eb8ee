/**
 * The scheduler tried with random requests, a world of a random configuration after the other; a seed replays a
 * world.
 */
import { SimulatedWorld, type SimulationReport } from './simulated-world.ts'

/**
 * Sends `requests` random sequences through a scheduler.
 * @throws Error naming the seed and the step, at the first broken promise
 */
export function simulate(seed: number, requests: number): SimulationReport {
  const world = new SimulatedWorld(seed, requests)
  try {
    return world.run()
  } catch (error) {
    throw new Error(`Simulation of seed ${seed}, step ${world.steps}: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/** What several worlds came to together. */
export function addReports(reports: readonly SimulationReport[]): SimulationReport {
  const sum = (count: (report: SimulationReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0)
  return {
    submitted: sum(report => report.submitted),
    forks: sum(report => report.forks),
    steps: sum(report => report.steps),
    reusedPositions: sum(report => report.reusedPositions),
    replayedTokens: sum(report => report.replayedTokens),
    draftedTokens: sum(report => report.draftedTokens),
    preemptions: sum(report => report.preemptions),
    longestWait: Math.max(...reports.map(report => report.longestWait)),
    moves: { copy: sum(({ moves }) => moves.copy), swap: sum(({ moves }) => moves.swap) },
    ends: {
      stop: sum(({ ends }) => ends.stop),
      length: sum(({ ends }) => ends.length),
      failed: sum(({ ends }) => ends.failed),
      expired: sum(({ ends }) => ends.expired),
      'queue-timeout': sum(({ ends }) => ends['queue-timeout']),
      refused: sum(({ ends }) => ends.refused),
      cancelled: sum(({ ends }) => ends.cancelled),
    },
  }
}
