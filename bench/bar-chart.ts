/** A bar chart as SVG: one row a value, on a logarithmic axis around 1. */

export interface Bar {
  readonly label: string
  /** Written behind the bar. */
  readonly note: string
  /** Above 0; 1 is where the axis stands. */
  readonly value: number
  /** Where the tick goes; null for none. */
  readonly goal: number | null
}

const ROW = 26
const LABEL_WIDTH = 230
const PLOT_WIDTH = 420
const NOTE_WIDTH = 430
const TOP = 56
const GRID = [0.25, 0.5, 1, 2, 4, 8]
const [FIRST = 0, LAST = 0] = [GRID[0], GRID.at(-1)]

/**
 * @returns a whole SVG document that reads in light and in dark pages
 * @throws RangeError for a value that isn't above 0
 */
export function barChart(bars: readonly Bar[], { title }: { title: string }): string {
  const height = TOP + bars.length * ROW + 16
  const width = LABEL_WIDTH + PLOT_WIDTH + NOTE_WIDTH
  const grid = GRID.map(
    value =>
      `<line x1="${x(value)}" x2="${x(value)}" y1="${TOP - 8}" y2="${height - 12}" class="${value === 1 ? 'axis' : 'grid'}"/>` +
      `<text x="${x(value)}" y="${TOP - 14}" text-anchor="middle" class="note">${value}x</text>`,
  )
  const rows = bars.map((bar, index) => row(bar, TOP + index * ROW))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="13">
<title>${escapeXml(title)}</title>
<style>text { fill: #334 } .note { fill: #667; font-size: 11px } .grid { stroke: #ccd } .axis { stroke: #667 } .won { fill: #2a7f62 } .lost { fill: #c2703d } .goal { stroke: #223; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #dde } .note { fill: #99a } .grid { stroke: #445 } .axis { stroke: #99a } .goal { stroke: #fff } }</style>
<text x="12" y="24" font-weight="600">${escapeXml(title)}</text>
${[...grid, ...rows].join('\n')}
</svg>
`
}

function row({ label, note, value, goal }: Bar, top: number): string {
  if (!(value > 0)) throw new RangeError(`${label}: ${value} has no place on a logarithmic axis`)
  const [left, right] = [x(1), x(value)].toSorted((a, b) => a - b) as [number, number]
  const reached = goal === null || value >= goal
  const tick =
    goal === null
      ? ''
      : `<line x1="${x(goal)}" x2="${x(goal)}" y1="${top - 1}" y2="${top + ROW - 7}" class="goal"/>`
  const middle = top + 14
  return (
    `<text x="${LABEL_WIDTH - 12}" y="${middle}" text-anchor="end">${escapeXml(label)}</text>` +
    `<rect x="${left}" y="${top + 2}" width="${Math.max(1, right - left).toFixed(1)}" height="${ROW - 10}" rx="2" class="${reached ? 'won' : 'lost'}"/>` +
    tick +
    `<text x="${LABEL_WIDTH + PLOT_WIDTH + 12}" y="${middle}" class="note">${escapeXml(`${value.toPrecision(3)}x  (${note})`)}</text>`
  )
}

/** Where a value lies, in user units; what is off the axis stops at its end. */
function x(value: number): number {
  const clipped = Math.min(LAST, Math.max(FIRST, value))
  const share = Math.log(clipped / FIRST) / Math.log(LAST / FIRST)
  return Math.round((LABEL_WIDTH + share * PLOT_WIDTH) * 10) / 10
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
