/**
 * Memory that an array has taken, given back without giving up the array. A large array takes memory page by page,
 * when it is first written; JavaScript can't undo that, `madvise(2)` can.
 */
import { createRequire } from 'node:module'

/** The smallest there is: with larger pages the kernel refuses a range that isn't theirs, and nothing is lost. */
const PAGE_BYTES = 4096n
/** From <sys/mman.h> of Linux: private pages read as zeros from then on. */
const MADV_DONTNEED = 4

interface PageAdvice {
  addressOf(array: ArrayBufferView): bigint
  advise(address: bigint, length: number): number
}

/**
 * Gives the whole pages inside `array` back to the operating system; what they held reads as zeros afterwards. The
 * rest of the array keeps its values. Where that can't be done (not on Linux, no FFI) it does nothing.
 * @returns whether anything was given back
 */
export function releasePages(array: ArrayBufferView): boolean {
  advice ??= openAdvice()
  if (advice === 'none') return false
  const start = advice.addressOf(array)
  const first = ((start + PAGE_BYTES - 1n) / PAGE_BYTES) * PAGE_BYTES
  const end = ((start + BigInt(array.byteLength)) / PAGE_BYTES) * PAGE_BYTES
  return first < end && advice.advise(first, Number(end - first)) === 0
}

let advice: PageAdvice | 'none' | undefined

function openAdvice(): PageAdvice | 'none' {
  if (process.platform !== 'linux') return 'none'
  try {
    // Not imported: the node binding must do without.
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi').default
    const madvise = koffi.load(null).func('int madvise(void *address, size_t length, int advice)')
    return {
      addressOf: array => koffi.address(array),
      advise: (address, length) => madvise(address, length, MADV_DONTNEED) as number,
    }
  } catch {
    return 'none'
  }
}
