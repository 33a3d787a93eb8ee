import { expect, test } from 'vitest'
import { lockfileProblems } from './audit-dependencies.ts'

const good = { integrity: 'sha512-abc' }

test('a package without a hash, and an install script that nobody has seen, are problems', () => {
  const packages = {
    '': {},
    'node_modules/fine': good,
    'node_modules/@scope/fine': good,
    'node_modules/esbuild': { ...good, hasInstallScript: true },
    'node_modules/fine/node_modules/unhashed': {},
    'node_modules/old': { integrity: 'sha1-abc' },
    'node_modules/scripted': { ...good, hasInstallScript: true },
    'node_modules/linked': { link: true },
  }
  expect(lockfileProblems({ packages })).toEqual([
    'unhashed has no SHA-512 in the lockfile',
    'old has no SHA-512 in the lockfile',
    expect.stringMatching(/^scripted runs a script/),
  ])
})
