/** `POST /v1/audio/rescore`: hypotheses of any recognizer in a better order, on the edge alone. */
import type { Handler } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'
import { Hotwords } from '../ngram/hotwords.ts'
import { rescore } from '../ngram/rescore.ts'
import { ApiError } from '../protocol/errors.ts'
import type { Limits } from '../protocol/limits.ts'
import { parseJson, readBody, requireJson } from '../protocol/read-body.ts'
import { defaultNgramWeight, defaultWordBonus, type Rescored, RescoreRequest } from '../protocol/rescore.ts'
import { toValidationError } from '../protocol/validation.ts'
import type { NgramModels } from '../storage/ngram-models.ts'

/** The route. @throws ApiError for a body that isn't such a request, and for models that aren't there */
export function rescoring(models: NgramModels, limits: Limits): Handler<EdgeEnv> {
  return async context => {
    const request = context.req.raw
    requireJson(request)
    const parsed = RescoreRequest.safeParse(parseJson(await readBody(request, limits.maxBodyBytes)))
    if (!parsed.success) throw toValidationError(parsed.error, Object.keys(RescoreRequest.shape))
    const { hypotheses, ngram_model, ngram_weight, word_bonus, hotwords } = parsed.data
    const characters = hypotheses.reduce((sum, { text }) => sum + text.length, 0)
    if (characters > limits.maxTextCharacters) {
      throw new ApiError('payload_too_large', {
        message: `The hypotheses hold ${characters} characters, at most ${limits.maxTextCharacters} are taken.`,
        param: 'hypotheses',
      })
    }
    if (ngram_model === undefined && hotwords === undefined && word_bonus === undefined) {
      const message =
        'Invalid ngram_model: send it, or hotwords, or a word_bonus; nothing else changes the order.'
      throw new ApiError('invalid_request', { message, param: 'ngram_model' })
    }
    if (ngram_model === undefined && ngram_weight !== undefined) {
      throw new ApiError('invalid_request', {
        message: 'Invalid ngram_weight: it needs ngram_model.',
        param: 'ngram_weight',
      })
    }
    const tenant = context.get('tenant')
    const opened = ngram_model === undefined ? null : await models.open(tenant, ngram_model, 'ngram_model')
    const ranked = rescore(
      opened?.model ?? null,
      hypotheses.map(({ text, acoustic_logprob }) => ({ text, acousticLogprob: acoustic_logprob })),
      {
        ngramWeight: ngram_weight ?? defaultNgramWeight,
        wordBonus: word_bonus ?? (opened ? defaultWordBonus : 0),
        ...(opened && { tokenizer: opened.tokenizer }),
        ...(hotwords && { hotwords: new Hotwords(hotwords) }),
      },
    )
    const answer: Rescored = {
      object: 'rescore',
      hypotheses: ranked.map(({ text, index, score, parts, ngramLogprob, wordCount, unknownWords }) => ({
        text,
        index,
        score,
        parts,
        ngram_logprob: ngramLogprob,
        word_count: wordCount,
        unknown_words: [...unknownWords],
      })),
    }
    return context.json(answer)
  }
}
