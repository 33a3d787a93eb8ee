/** Where audio comes from that isn't in the request itself: URLs elsewhere, and files that were uploaded. */
import { ApiError } from '../src/protocol/errors.ts'
import type { FileLibrary } from '../src/storage/file-library.ts'
import { limitedPieces, readAll } from '../src/storage/object-store.ts'
import type { AddressPolicy } from './fetch/address-policy.ts'
import { fetchAudio } from './fetch/fetch-audio.ts'

/** Who wants it, and how much of it at most. */
export interface Wanted {
  tenant: string
  maxBytes: number
  /** Path of the field, for errors. */
  param: string
  signal: AbortSignal
}

export interface AudioSources {
  /** @throws ApiError audio_url_refused, audio_url_failed, payload_too_large */
  fetchUrl(url: string, wanted: Wanted): Promise<Uint8Array<ArrayBuffer>>
  /** @throws ApiError file_not_found, payload_too_large */
  readFile(id: string, wanted: Wanted): Promise<Uint8Array<ArrayBuffer>>
}

/** @param policy null: no URL is fetched */
export function createAudioSources(
  files: FileLibrary,
  policy: AddressPolicy | null,
  timeoutMs: number,
): AudioSources {
  return {
    async fetchUrl(url, { maxBytes, param, signal }) {
      if (policy !== null) return fetchAudio(url, { policy, maxBytes, timeoutMs, signal, param })
      throw new ApiError('audio_url_refused', {
        message: `Invalid ${param}: URLs are not fetched here. Send the audio itself, or upload it.`,
        param,
      })
    },
    async readFile(id, { tenant, maxBytes, param }) {
      const { body } = await files.open(tenant, id, param)
      try {
        return (await readAll(limitedPieces(body, maxBytes))) as Uint8Array<ArrayBuffer>
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        throw new ApiError(error.code, { message: error.message, param, cause: error })
      }
    },
  }
}
