/** The report of an evaluation: Markdown, with its plots as SVG inside. */
import { confusionOf } from './judge.ts'
import type { Figure } from './results.ts'
import type { Evaluation } from './run.ts'

const MOST_LABELS = 20

/** Plots by their file name, and the Markdown that shows them. */
export interface Report {
  readonly markdown: string
  readonly plots: ReadonlyMap<string, string>
}

/** @param model what was tried, for the title */
export function reportOf(model: string, { results, figures, failures }: Evaluation): Report {
  const plots = new Map<string, string>()
  const parts = [
    `# ${model}`,
    '',
    `${results.length} answers to ${new Set(results.map(({ set, id }) => `${set}/${id}`)).size} recordings, greedy, one at a time.`,
    '',
  ]
  if (failures.length > 0) {
    parts.push(
      `${failures.length} could not be tried:`,
      '',
      ...failures.slice(0, MOST_LABELS).map(each => `- ${each}`),
      '',
    )
  }
  const quality = figures.filter(({ metric }) => metric !== 'time' && metric !== 'answer length')
  parts.push(tableOf(quality), '')

  const byCondition = Map.groupBy(
    quality.filter(({ metric }) => metric === 'error rate'),
    ({ set }) => set,
  )
  for (const [set, each] of byCondition) {
    if (each.length < 2) continue
    const bars = each.map(({ condition, value }) => ({ name: condition, value }))
    parts.push(...show(`${set}: error rate, %`, bars, plots))
  }
  const shares = quality.filter(({ unit, metric }) => unit === '%' && metric !== 'error rate')
  if (shares.length > 0) {
    const bars = shares.map(({ set, metric, value }) => ({ name: `${set}: ${metric}`, value }))
    parts.push(...show('Shares, %', bars, plots))
  }

  const classified = Map.groupBy(
    results.filter(({ task }) => task === 'classify'),
    ({ set }) => set,
  )
  for (const [set, each] of classified) {
    const { labels, counts } = confusionOf(each)
    parts.push(`## ${set}: what was taken for what`, '')
    if (labels.length <= MOST_LABELS) {
      parts.push(
        `| right ↓ answer → | ${labels.join(' | ')} |`,
        `|---|${labels.map(() => '---|').join('')}`,
        ...labels.map((label, row) => `| ${label} | ${counts[row]!.map(count => count || '').join(' | ')} |`),
      )
    } else {
      parts.push(...worstOf(labels, counts))
    }
    parts.push('')
  }

  parts.push('## Length and speed', '')
  parts.push(tableOf(figures.filter(({ metric }) => metric === 'time' || metric === 'answer length')), '')
  return { markdown: parts.join('\n'), plots }
}

/** A row a figure. */
export function tableOf(figures: readonly Figure[]): string {
  return [
    '| set | condition | metric | value | samples |',
    '|---|---|---|---|---|',
    ...figures.map(
      ({ set, condition, metric, value, unit, count }) =>
        `| ${set} | ${condition} | ${metric} | ${shown(value)} ${unit} | ${count} |`,
    ),
  ].join('\n')
}

/** Of another model's figures beside these, in Markdown: what is better is bold. */
export function comparisonOf(first: readonly Figure[], second: readonly Figure[]): string {
  const keyOf = ({ set, condition, metric }: Figure) => JSON.stringify([set, condition, metric])
  const others = new Map(second.map(figure => [keyOf(figure), figure]))
  const names = [first[0]?.model ?? 'first', second[0]?.model ?? 'second']
  const rows = first.flatMap(figure => {
    const other = others.get(keyOf(figure))
    if (other === undefined) return []
    const difference = other.value - figure.value
    const isBetter =
      figure.lower_is_better === null || difference === 0 ? null : difference < 0 === figure.lower_is_better
    const bold = (value: number, when: boolean) => (when ? `**${shown(value)}**` : shown(value))
    const { set, condition, metric, unit } = figure
    return `| ${set} | ${condition} | ${metric}, ${unit} | ${bold(figure.value, isBetter === false)} | ${bold(other.value, isBetter === true)} | ${difference > 0 ? '+' : ''}${shown(difference)} |`
  })
  return [
    `| set | condition | metric | ${names.join(' | ')} | difference |`,
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

function shown(value: number): string {
  return String(Number(value.toPrecision(3)))
}

function worstOf(labels: readonly string[], counts: readonly (readonly number[])[]): string[] {
  const mistakes = labels.flatMap((right, row) =>
    labels.flatMap((answer, column) => {
      const count = counts[row]![column]!
      return row === column || count === 0 ? [] : [{ right, answer, count }]
    }),
  )
  const most = mistakes.toSorted((a, b) => b.count - a.count).slice(0, MOST_LABELS)
  return [
    '| right | answer | times |',
    '|---|---|---|',
    ...most.map(({ right, answer, count }) => `| ${right} | ${answer} | ${count} |`),
  ]
}

interface Bar {
  readonly name: string
  readonly value: number
}

function show(title: string, bars: readonly Bar[], plots: Map<string, string>): string[] {
  const file = `${title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')}.svg`
  plots.set(file, barPlot(title, bars))
  return [`![${title}](${file})`, '']
}

const WIDTH = 640
const LEFT = 260
const BAR_HEIGHT = 22

/** Horizontal bars from 0, as SVG that light and dark pages show alike. */
export function barPlot(title: string, bars: readonly Bar[]): string {
  const most = Math.max(1, ...bars.map(({ value }) => value))
  const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  const height = 34 + bars.length * BAR_HEIGHT
  const rows = bars.map(({ name, value }, index) => {
    const y = 30 + index * BAR_HEIGHT
    const width = ((WIDTH - LEFT - 60) * Math.max(0, value)) / most
    return (
      `<text x="${LEFT - 8}" y="${y + 13}" text-anchor="end">${escaped(name)}</text>` +
      `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="16" fill="#4477aa"/>` +
      `<text x="${(LEFT + width + 6).toFixed(1)}" y="${y + 13}">${shown(value)}</text>`
    )
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="#888">`,
    `<title>${escaped(title)}</title>`,
    `<text x="8" y="18" font-size="14">${escaped(title)}</text>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n')
}
