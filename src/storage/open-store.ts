/** Where objects are kept, by one setting. For Node; Workers have bindings. */
import { FileStore } from './file-store.ts'
import type { ObjectStore } from './object-store.ts'

/** Folder of a server that was told nothing else; edge and worker of one checkout share it. */
export const defaultStoreLocation = 'build/store'

/** @param location value of AURICLE_STORE: a folder */
export function openStore(location: string): ObjectStore {
  return new FileStore(location)
}
