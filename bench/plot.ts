/**
 * `npm run -s bench -- NAME... > lines.jsonl; node bench/plot.ts < lines.jsonl > docs/performance.svg`: every
 * measurement that has a peer as a bar, how many times as good as the peer, with its goal as a tick.
 */
import { createInterface } from 'node:readline'
import { type Bar, barChart } from './bar-chart.ts'
import type { ResultLine } from './result.ts'

const bars: Bar[] = []
for await (const line of createInterface({ input: process.stdin })) {
  if (!line.startsWith('{')) continue
  const { bench, value, unit, peer, peerValue, ratio, goal }: ResultLine = JSON.parse(line)
  if (peer === null || ratio === null) continue
  // Of times less is better; of speeds more.
  const better = (number: number) => (unit === 'ms' || unit === 's' ? 1 / number : number)
  const goalRatio = /^ratio (?:<=|>=) (\S+)$/.exec(goal ?? '')?.[1]
  bars.push({
    label: bench,
    note: `${value} ${unit}; ${peer}: ${peerValue}`,
    value: better(ratio),
    goal: goalRatio === undefined ? null : better(Number(goalRatio)),
  })
}
process.stdout.write(
  barChart(bars, { title: 'Times as good as the peer (logarithmic); the tick is the goal' }),
)
