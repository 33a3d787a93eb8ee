/** How the next token is chosen from the logits. The names and defaults are OpenAI's, vLLM's where it has none. */
export interface SamplingOptions {
  /** 0 takes the most likely token. */
  temperature: number
  /** The smallest set of tokens whose probabilities add up to this; 1 is off. */
  topP: number
  /** The most likely tokens that are kept; `null` is off. */
  topK: number | null
  /** Tokens less likely than this share of the likeliest are dropped; 0 is off. */
  minP: number
  /** The same seed, prompt and options give the same tokens. `null` draws one. */
  seed: number | null
  /** Logits of tokens seen in prompt or answer are divided (positive) or multiplied (negative); 1 is off. */
  repetitionPenalty: number
  /** Taken from a token's logit once for each time the answer has it; 0 is off. */
  frequencyPenalty: number
  /** Taken from a token's logit when the answer has it; 0 is off. */
  presencePenalty: number
  /** Added to a token's logit; OpenAI's -100 and 100 ban or force it. */
  logitBias: ReadonlyMap<number, number>
  /** How many alternatives come with each token's log-probability, 0..20; `null`: no log-probabilities at all. */
  topLogprobs: number | null
}

/** Greedy, nothing penalised, no log-probabilities. Requests override what they set. */
export const GREEDY: SamplingOptions = {
  temperature: 0,
  topP: 1,
  topK: null,
  minP: 0,
  seed: null,
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  logitBias: new Map(),
  topLogprobs: null,
}

/** A token with its natural-log probability under the model, before temperature and penalties. */
export interface TokenLogprob {
  readonly id: number
  readonly logprob: number
}
