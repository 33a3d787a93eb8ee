/** N-gram models are made in a thread of their own: seconds of counting don't keep other requests waiting. */
import { Worker } from 'node:worker_threads'
import { NgramError } from '../../src/ngram/ngram-error.ts'
import type { TrainedModel, TrainingOptions } from '../../src/ngram/train.ts'

/** What goes to the thread, and what comes back. */
export interface TrainingJob {
  file: Uint8Array
  options: TrainingOptions
}
export type TrainingReply = { type: 'trained'; model: TrainedModel } | { type: 'refused'; message: string }

/** Megabytes of JavaScript objects; the arrays of counts lie outside of them. */
const THREAD_HEAP_MB = 1024

/** @see trainModel. One at a time: each may take hundreds of megabytes. @throws NgramError */
export function trainNgramModel(file: Uint8Array, options: TrainingOptions): Promise<TrainedModel> {
  const result = last.then(() => inThread({ file, options }))
  last = result.then(
    () => {},
    () => {},
  )
  return result
}

let last: Promise<void> = Promise.resolve()

function inThread(job: TrainingJob): Promise<TrainedModel> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./ngram-training-thread.ts', import.meta.url), {
      name: 'ngram-training',
      workerData: job,
      resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB },
    })
    worker.once('message', (reply: TrainingReply) => {
      if (reply.type === 'trained') resolve(reply.model)
      else reject(new NgramError(reply.message))
    })
    worker.once('error', error => {
      const isFull = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY'
      reject(isFull ? new NgramError('this takes more memory than there is for it: send less text') : error)
    })
    worker.once('exit', () => reject(new Error('the training thread ended without an answer')))
  })
}
