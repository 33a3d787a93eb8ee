/** The thread of ngram-training.ts: makes one model and ends. */
import { parentPort, workerData } from 'node:worker_threads'
import { NgramError } from '../../src/ngram/ngram-error.ts'
import { trainModel } from '../../src/ngram/train.ts'
import type { TrainingJob, TrainingReply } from './ngram-training.ts'

const { file, options } = workerData as TrainingJob

let reply: TrainingReply
try {
  reply = { type: 'trained', model: await trainModel(file, options) }
} catch (error) {
  if (!(error instanceof NgramError)) throw error
  reply = { type: 'refused', message: error.message }
}
parentPort!.postMessage(reply, reply.type === 'trained' ? [reply.model.bytes] : [])
