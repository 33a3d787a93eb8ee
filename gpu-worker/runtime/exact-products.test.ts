import { expect, test } from 'vitest'
import { hasExactProducts } from './exact-products.ts'

test.each([
  ['x64', 'flags\t\t: fpu avx2 avx512_vnni avx512_bitalg', true],
  ['x64', 'flags\t\t: fpu avx2 avx_vnni', true],
  ['x64', 'flags\t\t: fpu avx2 avx512bw', false],
  ['x64', null, false],
  ['arm64', null, true],
])('%s with "%s": %s', (architecture, cpuinfo, exact) => {
  expect(hasExactProducts(architecture, cpuinfo)).toBe(exact)
})
