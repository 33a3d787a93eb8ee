import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { findLibrary } from './library.ts'

test('finds the library of this machine', () => {
  expect(existsSync(findLibrary())).toBe(true)
})

test.each([
  ['linux', 'x64', /libonnxruntime\.so\.1$/],
  ['linux', 'arm64', /libonnxruntime\.so\.1$/],
  ['darwin', 'arm64', /libonnxruntime.*\.dylib$/],
  ['win32', 'x64', /onnxruntime\.dll$/],
])('knows its name on %s-%s', (platform, architecture, name) => {
  expect(findLibrary(platform, architecture)).toMatch(name)
})

test('says what is missing', () => {
  expect(() => findLibrary('sunos', 'x64')).toThrow(/sunos/)
  expect(() => findLibrary('linux', 'mips')).toThrow(/linux-mips/)
})
