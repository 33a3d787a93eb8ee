/** One decoding thread: takes a file, answers with its samples. What goes wrong in it ends with it. */
import { parentPort } from 'node:worker_threads'
import { type ErrorCode, toApiError } from '../../src/protocol/errors.ts'
import { type DecodedFile, type DecodeJob, decodeFile } from './decode-file.ts'

/** What a thread answers to a DecodeJob. */
export type DecodeReply =
  | { type: 'decoded'; file: DecodedFile }
  | { type: 'failed'; code: ErrorCode; message: string }

/** Broken frames of one file after which it is given up. */
const MAX_COMPLAINTS = 10_000

// The decoders print every broken frame. That would fill the log at a stranger's will; and where libmpg123 cannot get
// past an error, its wrapper prints it for ever, so the way out of that loop leads through here.
let complaints = 0
console.error = () => {
  if (++complaints > MAX_COMPLAINTS) throw new Error('The decoder found too many broken frames.')
}
console.warn = console.error

parentPort!.on('message', async (job: DecodeJob) => {
  complaints = 0
  try {
    const file = await decodeFile(job)
    reply({ type: 'decoded', file }, [file.samples.buffer as ArrayBuffer])
  } catch (error) {
    const { code, message } = toApiError(error)
    reply({ type: 'failed', code, message })
  }
})

function reply(message: DecodeReply, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, transfer)
}
