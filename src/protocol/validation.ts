/** Turns what zod found wrong into one ApiError that names the field by its path and says what to write instead. */
import type * as z from 'zod'
import { ApiError } from './errors.ts'

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

/** A path as JavaScript writes it: `messages[0].content[1].type`; null for the root. */
export function formatPath(path: Path): string | null {
  let text = ''
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`
    else text += text === '' ? String(key) : `.${String(key)}`
  }
  return text === '' ? null : text
}

/** The first problem of a failed parse as an ApiError; `knownNames` are offered for misspelt fields. */
export function toValidationError(error: z.ZodError, knownNames: readonly string[] = []): ApiError {
  const issue = innermost(error.issues[0]!)
  const param = formatPath(issue.path)
  const where = param ?? 'the body'
  if (issue.code === 'unrecognized_keys') {
    const name = shorten(issue.keys[0]!)
    const path = param === null ? name : `${param}.${name}`
    return unknownParameter(path, name, knownNames)
  }
  return new ApiError('invalid_request', { message: `Invalid ${where}: ${reasonOf(issue)}.`, param })
}

/** The error for a field that nobody knows, with the nearest known name where there is one. */
export function unknownParameter(path: string, name: string, knownNames: readonly string[]): ApiError {
  const nearest = nearestName(name, knownNames)
  const hint = nearest === null ? 'Remove it.' : `Did you mean '${nearest}'?`
  return new ApiError('unsupported_parameter', {
    message: `Unknown parameter '${path}'. ${hint}`,
    param: path,
  })
}

/** The name nearest to a misspelt one, or null when none is near enough to be what was meant. */
export function nearestName(name: string, candidates: readonly string[]): string | null {
  let best: string | null = null
  let bestDistance = Math.min(3, Math.floor(name.length / 3)) + 1
  const normal = normalise(name)
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - normal.length) >= bestDistance) continue
    const distance = editDistance(normal, candidate)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** camelCase and kebab-case are the commonest misspellings, so they cost nothing. */
function normalise(name: string): string {
  return name
    .slice(0, 64)
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase()
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(previous[j]! + 1, current[j - 1]! + 1, substitution))
    }
    previous = current
  }
  return previous[b.length]!
}

/** Of a union, the branch that got furthest: its complaint is the one that helps. */
function innermost(issue: Issue): Issue {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue
  const branches = issue.errors.map(branch => branch[0]!).filter(Boolean)
  const depth = (branch: Issue) => branch.path.length + (branch.code === 'invalid_type' ? 0 : 0.5)
  const deepest = branches.reduce((best, branch) => (depth(branch) > depth(best) ? branch : best))
  if (depth(deepest) === 0) {
    const expected = branches
      .map(branch => (branch.code === 'invalid_type' ? branch.expected : ''))
      .filter(Boolean)
    return { ...issue, errors: [], message: `expected ${expected.join(' or ')}` }
  }
  return innermost({ ...deepest, path: [...issue.path, ...deepest.path] })
}

function reasonOf(issue: Issue): string {
  const reason = issue.message.replace(/^(Invalid input|Too big|Too small|Invalid option): /, '')
  if (issue.code === 'invalid_type' && reason.endsWith('received undefined')) return 'it is missing'
  return reason.charAt(0).toLowerCase() + reason.slice(1).replace(/\.$/, '')
}

/** Names come from the caller; an error message repeats only as much as is needed to recognise them. */
export function shorten(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name
}
