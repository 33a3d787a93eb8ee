/**
 * Looks for what is wrong with the dependencies: packages without an integrity hash, install scripts that nobody
 * has looked at, and known vulnerabilities. Where the registry has no audit service it says so and judges by the rest.
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** Packages whose install scripts were read. They fetch or unpack a binary. */
const knownInstallScripts = new Set(['esbuild', 'koffi', 'node', 'onnxruntime-node', 'workerd'])

interface LockedPackage {
  integrity?: string
  hasInstallScript?: boolean
  link?: boolean
}

/** What is wrong by the lockfile alone, a sentence each. */
export function lockfileProblems(lockfile: { packages: Record<string, LockedPackage> }): string[] {
  return Object.entries(lockfile.packages).flatMap(([path, { integrity, hasInstallScript, link }]) => {
    if (!path.includes('node_modules/') || link) return []
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    return [
      ...(integrity?.startsWith('sha512-') ? [] : [`${name} has no SHA-512 in the lockfile`]),
      ...(hasInstallScript && !knownInstallScripts.has(name)
        ? [`${name} runs a script when it is installed, and isn't among those that were looked at`]
        : []),
    ]
  })
}

/** Vulnerabilities of packages that are deployed, or null where the registry can't be asked. */
async function vulnerabilities(): Promise<string[] | null> {
  const { stdout } = await promisify(execFile)('npm', ['audit', '--omit=dev', '--json'], {
    maxBuffer: 64 * 1024 * 1024,
  }).catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }))
  try {
    const report = JSON.parse(stdout) as { vulnerabilities?: Record<string, { severity: string }> }
    if (report.vulnerabilities === undefined) return null
    return Object.entries(report.vulnerabilities)
      .filter(([, { severity }]) => severity === 'high' || severity === 'critical')
      .map(([name, { severity }]) => `${name} has a vulnerability that is ${severity}`)
  } catch {
    return null
  }
}

if (import.meta.main) {
  const lockfile = JSON.parse(await readFile(new URL('../package-lock.json', import.meta.url), 'utf8'))
  const known = await vulnerabilities()
  if (known === null) console.log('The registry has no audit service: vulnerabilities were not looked up.')
  const problems = [...lockfileProblems(lockfile), ...(known ?? [])]
  for (const problem of problems) console.log(problem)
  console.log(problems.length === 0 ? 'Nothing wrong was found.' : `${problems.length} problems.`)
  process.exitCode = problems.length === 0 ? 0 : 1
}
