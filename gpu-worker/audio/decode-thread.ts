/** One decoding thread: takes a file, answers with its samples. What goes wrong in it ends with it. */
import { parentPort } from 'node:worker_threads'
import { type ErrorCode, toApiError } from '../../src/protocol/errors.ts'
import { concatSamples } from './concat-samples.ts'
import { SAMPLE_RATE_HZ } from './constants.ts'
import { type DecodedFile, type DecodeJob, decodeFile, decodePieces } from './decode-file.ts'

/** What a thread is asked: a file, whole, or in pieces as long as there are credits. */
export interface DecodeTask {
  job: DecodeJob
  /** Pieces that may be sent, [1] i32 in shared memory; the thread sleeps while there are none. Null: whole. */
  credits: Int32Array | null
}

/** What a thread answers: pieces if asked for them, and one end. */
export type DecodeReply =
  | { type: 'piece'; samples: Float32Array }
  | { type: 'ended' }
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

parentPort!.on('message', async ({ job, credits }: DecodeTask) => {
  complaints = 0
  try {
    if (credits) {
      await sendPieces(job, credits)
      return
    }
    const file = await decodeFile(job)
    reply({ type: 'decoded', file }, [file.samples.buffer as ArrayBuffer])
  } catch (error) {
    const { code, message } = toApiError(error)
    reply({ type: 'failed', code, message })
  }
})

/** Sends what is decoded, a second or more at a time, at the pace at which it is taken. */
async function sendPieces(job: DecodeJob, credits: Int32Array): Promise<void> {
  let pending: Float32Array[] = []
  let count = 0
  const send = () => {
    while (Atomics.load(credits, 0) === 0) Atomics.wait(credits, 0, 0)
    Atomics.sub(credits, 0, 1)
    const samples = concatSamples(pending)
    pending = []
    count = 0
    reply({ type: 'piece', samples }, [samples.buffer as ArrayBuffer])
  }
  await decodePieces(job, piece => {
    pending.push(piece)
    count += piece.length
    if (count >= SAMPLE_RATE_HZ) send()
  })
  if (count > 0) send()
  reply({ type: 'ended' })
}

function reply(message: DecodeReply, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, transfer)
}
