/** `/v1/checkpoints`: what two checkpoints of one model make of the same conversation. */
import type { RequestOptions, Transport } from '../transport.ts'
import type { CheckpointComparison, CheckpointComparisonRequest } from '../wire.ts'
import { type ChatParams, toWireMessages } from './chat-completions.ts'

/** A chat, and the two that are to answer it. */
export type ComparisonParams = Omit<CheckpointComparisonRequest, 'messages'> & Pick<ChatParams, 'messages'>

/** @see file comment */
export class Checkpoints {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * Both answers, and how likely both checkpoints find each of them; with a `reference` the reward that DPO implies.
   * @example const { answers } = await client.checkpoints.compare({ model: 'pocket', checkpoints: ['sft', 'dpo'], messages })
   */
  async compare(params: ComparisonParams, options?: RequestOptions): Promise<CheckpointComparison> {
    const messages = await toWireMessages(params.messages, this.#transport, options)
    const request = {
      method: 'POST' as const,
      path: '/v1/checkpoints/compare',
      json: { ...params, messages },
    }
    return this.#transport.json(request, options)
  }
}
