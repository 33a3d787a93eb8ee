/**
 * `node scripts/grafana-dashboard.ts`: writes infra/compose/grafana/dashboards/auricle.json. Top to bottom it answers: is all
 * well, what do callers see, what do workers do, where does the time go.
 */
import { writeFile } from 'node:fs/promises'

interface Query {
  expr: string
  legend: string
}

const WIDTH = 24
const path = new URL('../infra/compose/grafana/dashboards/auricle.json', import.meta.url)

const rate = (metric: string, by: string) => `sum by (${by}) (rate(${metric}[1m]))`
const quantile = (part: number, metric: string) =>
  `histogram_quantile(${part}, sum by (le) (rate(${metric}_bucket[1m])))`
const percentiles = (metric: string): Query[] =>
  [0.5, 0.95, 0.99].map(part => ({ expr: quantile(part, metric), legend: `${part * 100} %` }))

const rows: { title: string; height: number; panels: ReturnType<typeof panel>[] }[] = [
  {
    title: 'Is all well?',
    height: 4,
    panels: [
      stat('Requests a second', 'sum(rate(auricle_edge_requests_total[1m]))', 'reqps'),
      stat('Server errors', `${ratio('status=~"5..",status!="503"')}`, 'percentunit', [0.001, 0.01]),
      stat(
        'Refused, since too busy',
        'sum(rate(auricle_edge_shed_total[1m])) or vector(0)',
        'reqps',
        [0.01, 1],
      ),
      stat('First event, 95 %', quantile(0.95, 'auricle_edge_request_seconds'), 's', [1, 5]),
      stat('Workers ready', 'sum(auricle_edge_workers{state="ready"}) or vector(0)', 'none'),
      stat(
        'Slots in use',
        'sum(auricle_edge_worker_busy) / sum(auricle_edge_worker_slots)',
        'percentunit',
        [0.8, 1],
      ),
    ],
  },
  {
    title: 'What callers see',
    height: 8,
    panels: [
      graph('Requests by status', 'reqps', [
        { expr: rate('auricle_edge_requests_total', 'status'), legend: '{{status}}' },
      ]),
      graph('Time to the first event', 's', percentiles('auricle_edge_request_seconds')),
      graph('Sent again, and refused', 'reqps', [
        { expr: rate('auricle_edge_retries_total', 'reason'), legend: 'again: {{reason}}' },
        { expr: 'sum(rate(auricle_edge_retries_denied_total[1m]))', legend: 'not sent again: budget' },
        { expr: 'sum(rate(auricle_edge_shed_total[1m]))', legend: 'refused: too busy' },
      ]),
    ],
  },
  {
    title: 'What workers do',
    height: 8,
    panels: [
      graph('Workers by state', 'none', [
        { expr: 'sum by (state) (auricle_edge_workers)', legend: '{{state}}' },
      ]),
      graph('Requests at each worker', 'none', [{ expr: 'auricle_edge_worker_busy', legend: '{{worker}}' }]),
      graph('Waiting for a slot', 'none', [
        { expr: 'sum by (instance) (auricle_num_requests_waiting)', legend: '{{instance}}' },
      ]),
      graph('Predicted wait', 's', [{ expr: 'auricle_edge_worker_wait_seconds', legend: '{{worker}}' }]),
    ],
  },
  {
    title: 'Where the time goes',
    height: 8,
    panels: [
      graph(
        'Time to the first token, at the worker',
        's',
        percentiles('auricle_time_to_first_token_seconds'),
      ),
      graph('From one token to the next', 's', percentiles('auricle_inter_token_latency_seconds')),
      graph('Tokens a second', 'none', [
        { expr: 'sum(rate(auricle_generation_tokens_total[1m]))', legend: 'answers' },
        { expr: 'sum(rate(auricle_prompt_tokens_total[1m]))', legend: 'prompts' },
      ]),
      graph('Found in a cache', 'percentunit', [
        {
          expr: 'sum(rate(auricle_encoder_cache_hits_total[5m])) / sum(rate(auricle_encoder_cache_queries_total[5m]))',
          legend: 'encoded audio',
        },
        {
          expr: 'sum(rate(auricle_prefix_cache_hits_total[5m])) / sum(rate(auricle_prefix_cache_queries_total[5m]))',
          legend: 'prompt prefixes',
        },
      ]),
    ],
  },
]

await writeFile(path, `${JSON.stringify(dashboard(), null, 2)}\n`)

function dashboard(): object {
  const panels: object[] = []
  let y = 0
  for (const { title, height, panels: inRow } of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
    })
    y++
    const width = WIDTH / inRow.length
    for (const [index, each] of inRow.entries()) {
      panels.push({ id: panels.length + 1, ...each, gridPos: { x: index * width, y, w: width, h: height } })
    }
    y += height
  }
  return {
    uid: 'auricle',
    title: 'Auricle',
    tags: ['auricle'],
    schemaVersion: 41,
    editable: true,
    refresh: '10s',
    time: { from: 'now-30m', to: 'now' },
    panels,
  }
}

function stat(title: string, expr: string, unit: string, thresholds: [warn: number, bad: number] | [] = []) {
  const [warn, bad] = thresholds
  const steps = [{ color: 'green', value: null as number | null }]
  if (warn !== undefined && bad !== undefined) {
    steps.push({ color: 'orange', value: warn }, { color: 'red', value: bad })
  }
  return panel('stat', title, [{ expr, legend: '' }], {
    fieldConfig: {
      defaults: { unit, decimals: unit === 'none' ? 0 : null, thresholds: { mode: 'absolute', steps } },
    },
    options: { colorMode: 'value', graphMode: 'area', reduceOptions: { calcs: ['lastNotNull'] } },
  })
}

function graph(title: string, unit: string, queries: Query[]) {
  const custom = { lineWidth: 2, fillOpacity: 10, showPoints: 'never', spanNulls: false }
  return panel('timeseries', title, queries, {
    fieldConfig: { defaults: { unit, min: 0, custom } },
    options: {
      legend: { displayMode: 'list', placement: 'bottom' },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  })
}

function panel(type: string, title: string, queries: Query[], rest: object) {
  const datasource = { type: 'prometheus', uid: 'prometheus' }
  const targets = queries.map(({ expr, legend }, index) => ({
    refId: String.fromCharCode(65 + index),
    datasource,
    expr,
    legendFormat: legend,
  }))
  return { type, title, datasource, targets, ...rest }
}

function ratio(selector: string): string {
  const part = `sum(rate(auricle_edge_requests_total{${selector}}[5m])) or vector(0)`
  return `(${part}) / sum(rate(auricle_edge_requests_total[5m]))`
}
