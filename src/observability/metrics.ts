/**
 * Counters and histograms in Prometheus' text format (0.0.4), for the edge: the usual library needs Node, and the edge
 * doesn't always have it.
 */

type Labels = Readonly<Record<string, string>>

interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  lines(): string[]
}

/** Counts up, a series for each combination of labels. */
export class Counter implements Metric {
  readonly type = 'counter'
  readonly name: string
  readonly help: string
  readonly #values = new Map<string, number>()

  constructor(name: string, help: string) {
    this.name = name
    this.help = help
  }

  add(labels: Labels = {}, by = 1): void {
    const key = format(labels)
    this.#values.set(key, (this.#values.get(key) ?? 0) + by)
  }

  lines(): string[] {
    return [...this.#values].map(([labels, value]) => `${this.name}${braced(labels)} ${value}`)
  }
}

/** What is so at the moment of a scrape. */
export class Gauge implements Metric {
  readonly type = 'gauge'
  readonly name: string
  readonly help: string
  readonly #read: () => Iterable<readonly [Labels, number]>

  constructor(name: string, help: string, read: () => Iterable<readonly [Labels, number]>) {
    this.name = name
    this.help = help
    this.#read = read
  }

  lines(): string[] {
    return [...this.#read()].map(([labels, value]) => `${this.name}${braced(format(labels))} ${value}`)
  }
}

interface Series {
  /** Of each bucket, those that are in no smaller one; the last has no bound. */
  counts: number[]
  sum: number
}

/** Counts how many were how large. */
export class Histogram implements Metric {
  readonly type = 'histogram'
  readonly name: string
  readonly help: string
  readonly #bounds: readonly number[]
  readonly #series = new Map<string, Series>()

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name
    this.help = help
    this.#bounds = bounds
  }

  observe(value: number, labels: Labels = {}): void {
    const key = format(labels)
    let series = this.#series.get(key)
    if (series === undefined) {
      series = { counts: new Array<number>(this.#bounds.length + 1).fill(0), sum: 0 }
      this.#series.set(key, series)
    }
    const bucket = this.#bounds.findIndex(bound => value <= bound)
    series.counts[bucket < 0 ? this.#bounds.length : bucket]! += 1
    series.sum += value
  }

  lines(): string[] {
    return [...this.#series].flatMap(([labels, { counts, sum }]) => {
      let count = 0
      const buckets = counts.map((inBucket, index) => {
        count += inBucket
        const bound = `le="${this.#bounds[index] ?? '+Inf'}"`
        return `${this.name}_bucket${braced(labels === '' ? bound : `${labels},${bound}`)} ${count}`
      })
      return [
        ...buckets,
        `${this.name}_sum${braced(labels)} ${sum}`,
        `${this.name}_count${braced(labels)} ${count}`,
      ]
    })
  }
}

/** The text of a scrape; its type is `text/plain; version=0.0.4`. */
export function toPrometheusText(metrics: readonly Metric[]): string {
  const blocks = metrics.map(metric => [
    `# HELP ${metric.name} ${metric.help}`,
    `# TYPE ${metric.name} ${metric.type}`,
    ...metric.lines(),
  ])
  return `${blocks.flat().join('\n')}\n`
}

function format(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escapeCharacter)}"`)
    .join(',')
}

function escapeCharacter(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`
}

function braced(labels: string): string {
  return labels === '' ? '' : `{${labels}}`
}
