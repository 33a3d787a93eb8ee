/** Ways to break a JSON value: somewhere in it something else stands, or nothing, or the same again. */
import fc from 'fast-check'
import { fraction as at } from './inputs.ts'

/** One of them; `at` says where, as a fraction of all places in the value. */
export type JsonChange =
  | { kind: 'replace'; at: number; by: unknown }
  | { kind: 'remove'; at: number }
  | { kind: 'rename'; at: number; name: string }
  | { kind: 'add'; at: number; name: string; value: unknown }
  | { kind: 'repeat'; at: number; times: number }
  | { kind: 'nest'; at: number; depth: number }

const names = fc.constantFrom(
  '',
  'x',
  '__proto__',
  'constructor',
  'toString',
  'model',
  'type',
  'n',
  '\0',
  'a.b[0]',
)
const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, -1, 0.5, 1e308, -1e-308, 2 ** 53, 2 ** 31, 1e9, 65_536),
  fc.constantFrom<unknown>('', ' ', '0', '1e9', 'null', '__proto__', '\0', '\ud800', '🙂', 'x'.repeat(5000)),
  fc.constantFrom<unknown>([], {}, [[]], [null], [{}], Array(600).fill(0), { type: 'text' }, { '': '' }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.jsonValue({ maxDepth: 3 }),
)

export const jsonChange: fc.Arbitrary<JsonChange> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('replace' as const), at, by: odd }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), at }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rename' as const), at, name: names }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('add' as const), at, name: names, value: odd }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('repeat' as const), at, times: fc.nat(700) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('nest' as const), at, depth: fc.nat(3000) }) },
)

type Container = Record<PropertyKey, unknown>

/** A changed copy, as text: what is nested deep or named `__proto__` couldn't be told otherwise. */
export function breakJson(value: unknown, changes: readonly JsonChange[]): string {
  const root: Container = { root: structuredClone(value) }
  for (const change of changes) {
    const places = placesIn(root)
    const [container, key] = places[Math.floor(change.at * places.length)] ?? [root, 'root']
    const here = container[key]
    if (change.kind === 'replace') define(container, key, structuredClone(change.by))
    else if (change.kind === 'nest') define(container, key, new Nested(here, change.depth))
    else if (container === root) continue
    else if (change.kind === 'remove') remove(container, key)
    else if (change.kind === 'add' && !Array.isArray(container)) define(container, change.name, change.value)
    else if (change.kind === 'repeat' && Array.isArray(container)) {
      container.push(...Array(change.times).fill(here))
    } else if (change.kind === 'rename' && !Array.isArray(container)) {
      remove(container, key)
      define(container, change.name, here)
    }
  }
  return write(root['root'])
}

/** A value within so many lists. */
class Nested {
  readonly inner: unknown
  readonly depth: number
  constructor(inner: unknown, depth: number) {
    this.inner = inner
    this.depth = depth
  }
}

function placesIn(value: unknown): [Container, PropertyKey][] {
  if (typeof value !== 'object' || value === null || value instanceof Nested) return []
  return Object.keys(value).flatMap(key => [
    [value as Container, key] as [Container, PropertyKey],
    ...placesIn((value as Container)[key]),
  ])
}

/** Not by assignment, for `__proto__` is a name like any other. */
function define(container: Container, key: PropertyKey, value: unknown): void {
  Object.defineProperty(container, key, { value, enumerable: true, configurable: true, writable: true })
}

function remove(container: Container, key: PropertyKey): void {
  if (Array.isArray(container)) container.splice(Number(key), 1)
  else delete container[key]
}

function write(value: unknown): string {
  if (value instanceof Nested) {
    return `${'['.repeat(value.depth)}${write(value.inner)}${']'.repeat(value.depth)}`
  }
  if (Array.isArray(value)) return `[${value.map(write).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value)
    .map(([name, item]) => `${JSON.stringify(name)}:${write(item)}`)
    .join()}}`
}
