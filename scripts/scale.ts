/**
 * `node scripts/scale.ts`: computes docs/scale.md's tables from the assumptions below, as Markdown. Queueing by Erlang's C
 * formula; everything else is division.
 */
import { pathToFileURL } from 'node:url'

export const assumptions = {
  /** A request holds a slot for so long: an answer of 150 tokens at 30 a second, and its prefill. */
  serviceSeconds: 5.5,
  /** Sequences that a worker decodes at once (a GPU with 80 GB and Qwen2-Audio; the pocket pack has 8). */
  slotsPerWorker: 32,
  /** Of all slots, on average over the busiest hour. */
  utilization: 0.7,
  /** Bytes of a request: ten seconds of speech as WAV in base64. */
  requestBytes: 430_000,
  /** Bytes of an answer's events. */
  answerBytes: 40_000,
  /** Requests a second that one core of the edge takes: the goal of `npm run bench -- edge`, halved for audio's size. */
  edgeRequestsPerCore: 1_000,
  /** Workers that one edge looks through for each request; above it the choice costs more than a millisecond. */
  workersPerCell: 500,
  beatSeconds: 2,
  /** Bytes of a beat: readiness, and a filter of 2,000 audio ids at 10 bits. */
  beatBytes: 4_000,
  /** What a Durable Object takes a second (Cloudflare names about 1,000 simple requests). */
  directoryRequestsPerSecond: 1_000,
  /** Audios that a worker keeps encoded: 2 GB at 1 MB for 10 s (250 vectors of 1,280 f16, and room). */
  keptAudios: 2_000,
  /** Of all workers, those that fail in an hour: a machine every thousand hours. */
  failuresPerWorkerHour: 0.001,
} as const

/** Probability that a request finds all slots taken (Erlang C), for `slots` slots at this utilization. */
export function waitProbability(slots: number, utilization: number): number {
  const load = slots * utilization
  // The inverse of Erlang B, by its recurrence: no factorials.
  let inverse = 1
  for (let k = 1; k <= slots; k++) inverse = 1 + (inverse * k) / load
  const blocked = 1 / inverse
  return blocked / (1 - utilization * (1 - blocked))
}

export interface Plan {
  workers: number
  requestsPerSecond: number
  requestsPerDay: number
  inFlight: number
  waitProbability: number
  meanWaitSeconds: number
  gigabitsPerSecond: number
  edgeCores: number
  cells: number
  beatsPerSecond: number
  directories: number
  keptAudios: number
  failuresPerDay: number
}

export function plan(workers: number): Plan {
  const a = assumptions
  const cells = Math.ceil(workers / a.workersPerCell)
  const slots = workers * a.slotsPerWorker
  const requestsPerSecond = (slots * a.utilization) / a.serviceSeconds
  // Within a cell any worker may take a request: the cell's slots are one queue.
  const cellSlots = slots / cells
  const waits = waitProbability(cellSlots, a.utilization)
  const beatsPerSecond = workers / a.beatSeconds
  return {
    workers,
    requestsPerSecond,
    requestsPerDay: requestsPerSecond * 86_400 * 0.5,
    inFlight: slots * a.utilization,
    waitProbability: waits,
    meanWaitSeconds: (waits * a.serviceSeconds) / (cellSlots * (1 - a.utilization)),
    gigabitsPerSecond: (requestsPerSecond * (a.requestBytes + a.answerBytes) * 8) / 1e9,
    edgeCores: Math.max(2, Math.ceil((requestsPerSecond / a.edgeRequestsPerCore) * 2)),
    cells,
    beatsPerSecond,
    directories: Math.max(cells, Math.ceil(beatsPerSecond / a.directoryRequestsPerSecond)),
    keptAudios: workers * a.keptAudios,
    failuresPerDay: workers * a.failuresPerWorkerHour * 24,
  }
}

const sizes = [1, 100, 10_000] as const

/** The tables of docs/scale.md. */
export function tables(): string {
  const plans = sizes.map(plan)
  const row = (name: string, show: (plan: Plan) => string) => `| ${[name, ...plans.map(show)].join(' | ')} |`
  return [
    `| workers | ${sizes.map(size => count(size)).join(' | ')} |`,
    `|---|${sizes.map(() => '---').join('|')}|`,
    row('requests a second, busiest hour', each => count(each.requestsPerSecond)),
    row('requests a day, at half of that on average', each => count(each.requestsPerDay)),
    row('under way at once', each => count(each.inFlight)),
    row('find all slots taken', each => percent(each.waitProbability)),
    row('mean wait for a slot', each => milliseconds(each.meanWaitSeconds)),
    row('traffic in and out', each => `${significant(each.gigabitsPerSecond)} Gbit/s`),
    row('cores of the edge, twice what is needed', each => count(each.edgeCores)),
    row('cells', each => count(each.cells)),
    row('beats a second', each => significant(each.beatsPerSecond)),
    row('directories', each => count(each.directories)),
    row('audios kept encoded', each => count(each.keptAudios)),
    row('workers lost a day', each => significant(each.failuresPerDay)),
  ].join('\n')
}

function count(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 1 : 0 })
}

function significant(value: number): string {
  return Number(value.toPrecision(2)).toLocaleString('en-US', { maximumFractionDigits: 4 })
}

function percent(value: number): string {
  return value < 0.0001 ? 'under 0.01 %' : `${significant(value * 100)} %`
}

function milliseconds(seconds: number): string {
  return seconds < 0.0005 ? 'under 1 ms' : `${significant(seconds * 1000)} ms`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(tables())
