/**
 * What the edge costs: a small request through it, beside the same to the worker itself, one at a time; and how many it
 * takes a second, with one core to itself.
 */
import type { Bench } from '../bench.ts'
import { EdgeProcess, percentile } from '../edge-process.ts'

const WARM_UP = 300
const CONNECTIONS = 64
const SECONDS = 5

const edge: Bench = async function* ({ runs = 1500, log }) {
  const processes = await EdgeProcess.start(1)
  try {
    const [worker] = processes.workerUrls
    const through: number[] = []
    const direct: number[] = []
    for (let i = -WARM_UP; i < runs; i++) {
      const answers = [
        await processes.ask(processes.edgeUrl, 'Hello.'),
        await processes.ask(worker!, 'Hello.'),
      ]
      if (answers.some(({ status }) => status !== 200)) throw new Error('a request failed')
      if (i < 0) continue
      through.push(answers[0]!.milliseconds)
      direct.push(answers[1]!.milliseconds)
    }
    for (const [name, part] of [
      ['p50', 0.5],
      ['p99', 0.99],
    ] as const) {
      const [ours, bare] = [percentile(through, part), percentile(direct, part)]
      log(`${name}: ${ours.toFixed(2)} ms through the edge, ${bare.toFixed(2)} ms to the worker`)
      yield {
        bench: `edge/overhead-${name}`,
        value: ours - bare,
        unit: 'ms',
        peer: { name: 'worker', value: bare },
      }
    }

    const usedBefore = await processes.edgeProcessorSeconds()
    const startedMs = performance.now()
    let answered = 0
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        while (performance.now() - startedMs < SECONDS * 1000) {
          if ((await processes.ask(processes.edgeUrl, 'Hello.')).status === 200) answered++
        }
      }),
    )
    const seconds = (performance.now() - startedMs) / 1000
    const used = (await processes.edgeProcessorSeconds()) - usedBefore
    log(`${(used / seconds).toFixed(2)} cores used by the edge`)
    yield { bench: 'edge/requests', value: answered / seconds, unit: '/s', peer: null }
    yield { bench: 'edge/requests-per-core', value: answered / used, unit: '/s of a core', peer: null }
  } finally {
    await processes.stop()
  }
}
export default edge
