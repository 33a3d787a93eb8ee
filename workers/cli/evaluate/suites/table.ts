/** Tables as the published sets have them: comma- or tab-separated, with a header or without. */

/** Rows of values; quoted values may hold separators, line breaks, and quotes written twice (RFC 4180). */
export function readTable(text: string, separator: ',' | '\t', isQuoted = separator === ','): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let value = ''
  let inQuotes = false
  const endValue = () => {
    row.push(value)
    value = ''
  }
  const endRow = () => {
    endValue()
    if (row.length > 1 || row[0] !== '') rows.push(row)
    row = []
  }
  const source = text.replace(/^\uFEFF/, '')
  for (let at = 0; at < source.length; at++) {
    const character = source[at]!
    if (inQuotes) {
      if (character !== '"') value += character
      else if (source[at + 1] === '"') value += source[at++]
      else inQuotes = false
    } else if (isQuoted && character === '"' && value === '') inQuotes = true
    else if (character === separator) endValue()
    else if (character === '\n') endRow()
    else if (character !== '\r') value += character
  }
  if (value !== '' || row.length > 0) endRow()
  return rows
}

/** Rows by the names in the first one. @throws Error where one of `names` isn't among them */
export function readNamedTable<Name extends string>(
  text: string,
  separator: ',' | '\t',
  names: readonly Name[],
  isQuoted?: boolean,
): Record<Name, string>[] {
  const [header = [], ...rows] = readTable(text, separator, isQuoted)
  const places = names.map(name => {
    const place = header.indexOf(name)
    if (place < 0) throw new Error(`The table has no column '${name}'; it has ${header.join(', ')}.`)
    return [name, place] as const
  })
  return rows.map(row => {
    const values = places.map(([name, place]) => [name, row[place] ?? ''])
    return Object.fromEntries(values) as Record<Name, string>
  })
}
