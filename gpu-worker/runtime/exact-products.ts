/** Whether this processor adds products of u8 and i8 in 32 bits. */
import { readFileSync } from 'node:fs'

/**
 * x64 without VNNI adds two of them in 16 bits first, which overflows; ONNX Runtime has other kernels for it, to be asked
 * for, and slower by a sixth to a third where they aren't needed.
 * @param cpuinfo `/proc/cpuinfo`; null where there is none: then the safe answer
 */
export function hasExactProducts(architecture: string, cpuinfo: string | null): boolean {
  return architecture !== 'x64' || /\bavx(512)?_vnni\b/.test(cpuinfo ?? '')
}

/** Of the processor that this runs on. */
export const exactProducts = hasExactProducts(process.arch, readCpuinfo())

function readCpuinfo(): string | null {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8')
  } catch {
    return null
  }
}
