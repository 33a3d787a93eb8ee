/** Arrays of strings and of memory, as arguments of the C API. */
import koffi from 'koffi'

/** A `const char *const *`; the strings live as long as what is returned. */
export function stringArray(strings: readonly string[], encoding: BufferEncoding = 'utf8') {
  const bytes = strings.map(string => new Uint8Array(Buffer.from(`${string}\0`, encoding)).buffer)
  return { bytes, pointers: BigUint64Array.from(bytes, buffer => koffi.address(buffer)) }
}

/** Where an array lies. Asking for `buffer` moves a small one out of V8's heap, where the collector would move it about. */
export function addressOf(array: ArrayBufferView): bigint {
  return koffi.address(array.buffer) + BigInt(array.byteOffset)
}
