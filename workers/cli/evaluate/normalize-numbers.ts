/**
 * Spelled-out English numbers as digits, as Whisper's normalizer writes them: "twenty one" is 21, "one oh one" 101,
 * "two dollars and seven cents" $2.07. A port of transformers' `EnglishNumberNormalizer` (Apache-2.0; MIT in openai/whisper),
 * kept in its order so that it can be held against it.
 */
import { pythonRegex, pythonSplit } from './python-regex.ts'

const zeros: ReadonlySet<string> = new Set(['o', 'oh', 'zero'])
const onesInOrder = [
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
  'thirteen',
  'fourteen',
  'fifteen',
  'sixteen',
  'seventeen',
  'eighteen',
  'nineteen',
]
const ones = new Map(onesInOrder.map((name, index) => [name, BigInt(index + 1)]))
type Suffixed = ReadonlyMap<string, readonly [value: bigint, suffix: string]>
const onesSuffixed: Suffixed = new Map<string, readonly [bigint, string]>([
  ...Array.from(ones, ([name, value]) => [name === 'six' ? 'sixes' : `${name}s`, [value, 's']] as const),
  ['zeroth', [0n, 'th']],
  ['first', [1n, 'st']],
  ['second', [2n, 'nd']],
  ['third', [3n, 'rd']],
  ['fifth', [5n, 'th']],
  ['twelfth', [12n, 'th']],
  ...Array.from(ones)
    .filter(([, value]) => value > 3n && value !== 5n && value !== 12n)
    .map(([name, value]) => [name + (name.endsWith('t') ? 'h' : 'th'), [value, 'th']] as const),
])
const tens = new Map(
  ['twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'].map((name, index) => [
    name,
    BigInt(index + 2) * 10n,
  ]),
)
const tensSuffixed: Suffixed = new Map<string, readonly [bigint, string]>([
  ...Array.from(tens, ([name, value]) => [name.replace('y', 'ies'), [value, 's']] as const),
  ...Array.from(tens, ([name, value]) => [name.replace('y', 'ieth'), [value, 'th']] as const),
])
const multipliers = new Map([
  ['hundred', 100n],
  ...[
    'thousand',
    'million',
    'billion',
    'trillion',
    'quadrillion',
    'quintillion',
    'sextillion',
    'septillion',
    'octillion',
    'nonillion',
    'decillion',
  ].map((name, index) => [name, 1000n ** BigInt(index + 1)] as const),
])
const multipliersSuffixed: Suffixed = new Map<string, readonly [bigint, string]>([
  ...Array.from(multipliers, ([name, value]) => [`${name}s`, [value, 's']] as const),
  ...Array.from(multipliers, ([name, value]) => [`${name}th`, [value, 'th']] as const),
])
const decimals = new Set([...ones.keys(), ...tens.keys(), ...zeros])
const precedingPrefixers = new Map([
  ['minus', '-'],
  ['negative', '-'],
  ['plus', '+'],
  ['positive', '+'],
])
const followingPrefixers = new Map([
  ['pound', '£'],
  ['pounds', '£'],
  ['euro', '€'],
  ['euros', '€'],
  ['dollar', '$'],
  ['dollars', '$'],
  ['cent', '¢'],
  ['cents', '¢'],
])
const prefixes = new Set([...precedingPrefixers.values(), ...followingPrefixers.values()])
const suffixers = new Set(['per', 'percent'])
const specials = new Set(['and', 'double', 'triple', 'point'])
const words = new Set([
  ...zeros,
  ...ones.keys(),
  ...onesSuffixed.keys(),
  ...tens.keys(),
  ...tensSuffixed.keys(),
  ...multipliers.keys(),
  ...multipliersSuffixed.keys(),
  ...precedingPrefixers.keys(),
  ...followingPrefixers.keys(),
  ...suffixers,
  ...specials,
])

const NUMERIC = /^\d+(\.\d+)?$/

/** @param text in lower case, without symbols but `.%$¢€£` */
export function normalizeNumbers(text: string): string {
  return combineCents([...toDigits(pythonSplit(splitAtDigits(text)))].join(' '))
}

/** A number that is being read: digits that are only put side by side are text. */
type Value = bigint | string | null

function* toDigits(all: readonly string[]): Generator<string> {
  let prefix: string | null = null
  let value: Value = null
  let skip = false
  const output = (result: bigint | string): string => {
    const text = (prefix ?? '') + String(result)
    value = null
    prefix = null
    return text
  }
  /** What was read so far as text; Python takes 0 for nothing. */
  const digits = () => (value === null || value === 0n ? '' : String(value))

  for (const [index, current] of all.entries()) {
    if (skip) {
      skip = false
      continue
    }
    const previous = all[index - 1] ?? ''
    const next = all[index + 1] ?? ''
    const nextIsNumeric = NUMERIC.test(next)
    const first = [...current][0]!
    const hasPrefix = prefixes.has(first)
    const bare = hasPrefix ? current.slice(first.length) : current
    const read: Value = value as Value
    const one = ones.get(current)
    const oneSuffixed = onesSuffixed.get(current)
    const ten = tens.get(current)
    const tenSuffixed = tensSuffixed.get(current)
    const multiplier = multipliers.get(current)
    const multiplierSuffixed = multipliersSuffixed.get(current)
    if (NUMERIC.test(bare)) {
      if (read !== null) {
        if (typeof read === 'string' && read.endsWith('.')) {
          value = read + current
          continue
        }
        yield output(read)
      }
      prefix = hasPrefix ? first : prefix
      const [numerator, denominator] = fractionOf(bare)!
      value = numerator % denominator === 0n ? numerator / denominator : bare
    } else if (!words.has(current)) {
      if (read !== null) yield output(read)
      yield output(current)
    } else if (zeros.has(current)) {
      value = `${digits()}0`
    } else if (one !== undefined) {
      if (read === null) value = one
      else value = withOnes(read, one, previous)
    } else if (oneSuffixed !== undefined) {
      const [number, suffix] = oneSuffixed
      yield output(String(read === null ? number : withOnes(read, number, previous)) + suffix)
      value = null
    } else if (ten !== undefined) {
      value = read === null ? ten : withTens(read, ten)
    } else if (tenSuffixed !== undefined) {
      const [number, suffix] = tenSuffixed
      yield output(String(read === null ? number : withTens(read, number)) + suffix)
      value = null
    } else if (multiplier !== undefined) {
      if (read === null) value = multiplier
      else if (typeof read === 'string' || read === 0n) {
        const product = wholeProduct(read, multiplier)
        if (product !== null) value = product
        else {
          yield output(read)
          value = multiplier
        }
      } else value = multiplied(read, multiplier)
    } else if (multiplierSuffixed !== undefined) {
      const [number, suffix] = multiplierSuffixed
      if (read === null) yield output(`${number}${suffix}`)
      else if (typeof read === 'string') {
        const product = wholeProduct(read, number)
        if (product !== null) yield output(`${product}${suffix}`)
        else {
          yield output(read)
          yield output(`${number}${suffix}`)
        }
      } else yield output(`${multiplied(read, number)}${suffix}`)
      value = null
    } else if (precedingPrefixers.has(current)) {
      if (read !== null) yield output(read)
      if (words.has(next) || nextIsNumeric) prefix = precedingPrefixers.get(current)!
      else yield output(current)
    } else if (followingPrefixers.has(current)) {
      if (read !== null) {
        prefix = followingPrefixers.get(current)!
        yield output(read)
      } else yield output(current)
    } else if (suffixers.has(current)) {
      if (read === null) yield output(current)
      else if (current === 'percent') yield output(`${read}%`)
      else if (next === 'cent') {
        yield output(`${read}%`)
        skip = true
      } else {
        yield output(read)
        yield output(current)
      }
    } else if (!words.has(next) && !nextIsNumeric) {
      if (read !== null) yield output(read)
      yield output(current)
    } else if (current === 'and') {
      // Left out after hundreds, thousands and so on.
      if (!multipliers.has(previous)) {
        if (read !== null) yield output(read)
        yield output(current)
      }
    } else if (current === 'point') {
      if (decimals.has(next) || nextIsNumeric) value = `${digits()}.`
    } else if (ones.has(next) || zeros.has(next)) {
      value = digits() + String(ones.get(next) ?? 0n).repeat(current === 'double' ? 2 : 3)
      skip = true
    } else {
      if (read !== null) yield output(read)
      yield output(current)
    }
  }
  if (value !== null) yield output(value)
}

function withOnes(read: bigint | string, number: bigint, previous: string): bigint | string {
  if (typeof read === 'string' || ones.has(previous)) {
    return tens.has(previous) && number < 10n ? `${String(read).slice(0, -1)}${number}` : `${read}${number}`
  }
  return read % (number < 10n ? 10n : 100n) === 0n ? read + number : `${read}${number}`
}

function withTens(read: bigint | string, number: bigint): bigint | string {
  return typeof read === 'bigint' && read % 100n === 0n ? read + number : `${read}${number}`
}

function multiplied(read: bigint, multiplier: bigint): bigint {
  return (read / 1000n) * 1000n + (read % 1000n) * multiplier
}

function wholeProduct(read: bigint | string, multiplier: bigint): bigint | null {
  const fraction = fractionOf(String(read))
  if (fraction === null) return null
  const [numerator, denominator] = fraction
  const product = numerator * multiplier
  return product % denominator === 0n ? product / denominator : null
}

/** Of a decimal, where it is one. */
function fractionOf(text: string): [numerator: bigint, denominator: bigint] | null {
  const match = /^(\d*)(?:\.(\d*))?$/.exec(text)
  if (match === null || !/\d/.test(text)) return null
  const [, whole = '', decimals = ''] = match
  return [BigInt(whole + decimals), 10n ** BigInt(decimals.length)]
}

const AND_A_HALF = pythonRegex('\\band\\s+a\\s+half\\b')
const SPACE_BEFORE_SUFFIX = pythonRegex('([0-9])\\s+(st|nd|rd|th|s)\\b')

function splitAtDigits(text: string): string {
  const segments = text.split(AND_A_HALF)
  const parts: string[] = []
  for (const [index, segment] of segments.entries()) {
    const last = pythonSplit(segment).at(-1)
    if (last === undefined) continue
    parts.push(segment)
    if (index === segments.length - 1) continue
    parts.push(decimals.has(last) || multipliers.has(last) ? 'point five' : 'and a half')
  }
  return parts
    .join(' ')
    .replace(/([a-z])([0-9])/g, '$1 $2')
    .replace(/([0-9])([a-z])/g, '$1 $2')
    .replace(SPACE_BEFORE_SUFFIX, '$1$2')
}

const WITH_CENTS = pythonRegex('([€£$])([0-9]+) (?:and )?¢([0-9]{1,2})\\b')
const ONLY_CENTS = pythonRegex('[€£$]0.([0-9]{1,2})\\b')
const ONE = pythonRegex('\\b1(s?)\\b')

/** "$2 and ¢7" is $2.07, and 1 is written out. */
function combineCents(text: string): string {
  return text
    .replace(
      WITH_CENTS,
      (_, currency: string, whole: string, cents: string) => `${currency}${whole}.${cents.padStart(2, '0')}`,
    )
    .replace(ONLY_CENTS, (_, cents: string) => `¢${Number(cents)}`)
    .replace(ONE, 'one$1')
}
