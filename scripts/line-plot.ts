/** A plot of lines as SVG, for the documents; readable on light and dark pages. */

/** One line. */
export interface Curve {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

/** What to draw. */
export interface LinePlot {
  readonly x: string
  readonly y: string
  readonly curves: readonly Curve[]
  readonly isLogX: boolean
}

const WIDTH = 640
const HEIGHT = 400
const LEFT = 60
const RIGHT = 190
const TOP = 16
const BOTTOM = 48
const COLOURS = ['#4477aa', '#ee6677', '#228833', '#ccbb44', '#aa3377', '#66ccee', '#bbbbbb']

/** The SVG's text. */
export function linePlot({ x, y, curves, isLogX }: LinePlot): string {
  const all = curves.flatMap(({ points }) => points)
  const scaled = (value: number) => (isLogX ? Math.log10(value) : value)
  const [left, right] = range(all.map(([value]) => scaled(value)))
  const [low, high] = range(all.map(([, value]) => value))
  const px = (value: number) => LEFT + ((scaled(value) - left) / (right - left)) * (WIDTH - LEFT - RIGHT)
  const py = (value: number) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM)
  const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  const label = (at: string, text: string) => `<text ${at}>${escaped(text)}</text>`
  const parts = [
    ...ticks(low, high).map(
      value =>
        `<path d="M${LEFT} ${py(value).toFixed(1)}H${WIDTH - RIGHT}" stroke="#8888" fill="none"/>` +
        label(`x="${LEFT - 6}" y="${(py(value) + 4).toFixed(1)}" text-anchor="end"`, String(value)),
    ),
    ...xTicks(
      all.map(([value]) => value),
      isLogX,
    ).map(value =>
      label(`x="${px(value).toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle"`, String(value)),
    ),
    label(`x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle"`, x),
    label(`transform="translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle"`, y),
  ]
  curves.forEach(({ name, points }, index) => {
    const colour = COLOURS[index % COLOURS.length]
    const path = points.map(([a, b]) => `${px(a).toFixed(1)} ${py(b).toFixed(1)}`).join('L')
    parts.push(`<path d="M${path}" stroke="${colour}" stroke-width="2" fill="none"/>`)
    for (const [a, b] of points)
      parts.push(`<circle cx="${px(a).toFixed(1)}" cy="${py(b).toFixed(1)}" r="3" fill="${colour}"/>`)
    const at = TOP + 10 + index * 20
    parts.push(`<path d="M${WIDTH - RIGHT + 12} ${at}h18" stroke="${colour}" stroke-width="2"/>`)
    parts.push(label(`x="${WIDTH - RIGHT + 36}" y="${at + 4}"`, name))
  })
  const title = escaped(`${y} over ${x}`)
  const style = 'font-family="sans-serif" font-size="12" fill="#888"'
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ${style}>\n<title>${title}</title>\n${parts.join('\n')}\n</svg>\n`
}

function range(values: readonly number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const margin = (high - low || 1) * 0.05
  return [low - margin, high + margin]
}

/** Four to ten round numbers. */
function ticks(low: number, high: number): number[] {
  const rough = 10 ** Math.floor(Math.log10(high - low))
  const step = [0.2, 0.5, 1].map(factor => rough * factor).find(one => (high - low) / one <= 10) ?? rough
  const found: number[] = []
  for (let value = Math.ceil(low / step) * step; value <= high; value += step)
    found.push(Number(value.toPrecision(6)))
  return found
}

function xTicks(values: readonly number[], isLogX: boolean): number[] {
  if (!isLogX) return [...new Set(values)]
  const found: number[] = []
  for (let power = -3; power < 6; power++)
    for (const digit of [1, 2, 5]) found.push(Number(`${digit}e${power}`))
  return found.filter(value => value >= Math.min(...values) && value <= Math.max(...values))
}
