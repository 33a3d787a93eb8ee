/** Regular expressions as Python's `re` reads them: its white space, and word boundaries that know letters of all scripts. */

const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
const WORD = '[\\p{L}\\p{N}_]'
const BOUNDARY = `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`

/** @param source with `\s` outside of classes, `\b` and `\d` in Python's meaning */
export function pythonRegex(source: string): RegExp {
  const translated = source
    .replaceAll('\\s', `[${SPACE}]`)
    .replaceAll('\\b', BOUNDARY)
    .replaceAll('\\d', '\\p{Nd}')
  return new RegExp(translated, 'gu')
}

const spaces = new RegExp(`[${SPACE}]+`, 'u')

/** `str.split()`. */
export function pythonSplit(text: string): string[] {
  return text.split(spaces).filter(word => word !== '')
}
