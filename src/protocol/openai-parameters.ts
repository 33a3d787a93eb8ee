/**
 * Every parameter of OpenAI's `POST /v1/chat/completions`, and what becomes of it here. Nothing is ignored in
 * silence: a parameter works, or is known to be without effect, or is refused with the reason.
 * docs/openai-parameters.md is this table (a test holds it equal).
 */

/** What becomes of a parameter. */
export type ParameterSupport =
  /** It does what OpenAI says. */
  | { kind: 'done'; note: string }
  /** It is taken and has no effect here, and leaving it out would give the same answer. */
  | { kind: 'accepted'; note: string }
  /** Only values that ask for what happens anyway are taken; others are refused. */
  | { kind: 'default-only'; accepts: (value: unknown) => boolean; note: string; reason: string }
  /** It is refused. */
  | { kind: 'refused'; reason: string }
  /** It is ours, not OpenAI's. */
  | { kind: 'extension'; note: string }

const noTools = 'the models here cannot call tools or functions'
const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0

/** The table: parameter name to its support, in the order of the documentation. */
export const chatCompletionParameters: Readonly<Record<string, ParameterSupport>> = {
  model: { kind: 'done', note: 'A name that `GET /v1/models` lists.' },
  messages: {
    kind: 'done',
    note: 'Roles system, developer, user, assistant; parts text, input_audio, audio_url (data: and audio: URLs).',
  },
  stream: { kind: 'done', note: 'Server-sent events, ended by `data: [DONE]`.' },
  stream_options: { kind: 'done', note: '`include_usage`; `include_obfuscation` only as false.' },
  max_completion_tokens: { kind: 'done', note: 'At least 1.' },
  max_tokens: { kind: 'done', note: 'The old name of `max_completion_tokens`; send one of them.' },
  temperature: { kind: 'done', note: '0 to 2; 0 is greedy.' },
  top_p: { kind: 'done', note: 'Above 0, at most 1.' },
  seed: {
    kind: 'done',
    note: 'The same seed and request give the same answer, whoever else is served beside it.',
  },
  stop: { kind: 'done', note: 'A string, or up to 4.' },
  n: { kind: 'done', note: '1 to 8.' },
  logprobs: { kind: 'done', note: 'Of each token of the answer.' },
  top_logprobs: { kind: 'done', note: '0 to 20; needs `logprobs: true`.' },
  frequency_penalty: { kind: 'done', note: '-2 to 2.' },
  presence_penalty: { kind: 'done', note: '-2 to 2.' },
  service_tier: {
    kind: 'done',
    note: '`auto`, `default`, `flex` (after the others), `priority` (before them): whose turn it is when requests wait.',
  },
  logit_bias: { kind: 'done', note: 'Token id to a number from -100 to 100; at most 1,024 entries.' },
  response_format: {
    kind: 'done',
    note: '`text`, `json_object`, `json_schema`: a finished answer is valid JSON and satisfies the schema (`docs/structured-output.md`).',
  },
  top_k: { kind: 'extension', note: 'Sample among the k likeliest tokens; 0 or -1 is off.' },
  min_p: {
    kind: 'extension',
    note: 'Drop tokens under this share of the likeliest one’s probability, 0 to 1.',
  },
  repetition_penalty: {
    kind: 'extension',
    note: 'Above 0, at most 2; over 1 discourages what was already said.',
  },
  long_audio: {
    kind: 'extension',
    note: '`error` (default) or `chunk`: what happens when the audio does not fit the context.',
  },
  grounding: {
    kind: 'extension',
    note: '`true`: each choice says how much likelier the audio makes the answer than silence would; see docs/grounding.md.',
  },
  hotwords: {
    kind: 'extension',
    note: 'Words and phrases that are likely in the audio; at most 256. `usage.audio[i].heard` tells what was heard, `changed` what without them. Refused by models without a recognizer (qwen2-audio), as is `ngram_model`.',
  },
  ngram_model: {
    kind: 'extension',
    note: 'Id of a model made by `POST /v1/ngram-models`, or a list of `{id, weight}`: what is said in the audio is searched for with it.',
  },
  ngram_weight: { kind: 'extension', note: '0 to 10; what its log-probability is multiplied with.' },
  word_bonus: { kind: 'extension', note: '-10 to 10; added for each word.' },
  user: { kind: 'accepted', note: 'Nothing is kept about end users.' },
  safety_identifier: { kind: 'accepted', note: 'Nothing is kept about end users.' },
  metadata: {
    kind: 'accepted',
    note: 'At most 16 pairs. Completions are not stored, so there is nothing to label.',
  },
  prompt_cache_key: { kind: 'accepted', note: 'A hint; caching here goes by content.' },
  prompt_cache_retention: { kind: 'accepted', note: 'A hint; caching here goes by content.' },
  store: {
    kind: 'default-only',
    accepts: value => value === false,
    note: 'Only false.',
    reason: 'completions are not stored',
  },
  modalities: {
    kind: 'default-only',
    accepts: value => Array.isArray(value) && value.length === 1 && value[0] === 'text',
    note: 'Only `["text"]`.',
    reason: 'answers are text; spoken replies are not available',
  },
  audio: { kind: 'refused', reason: 'answers are text; spoken replies are not available' },
  tools: { kind: 'default-only', accepts: isEmptyList, note: 'Only an empty list.', reason: noTools },
  tool_choice: {
    kind: 'default-only',
    accepts: value => value === 'none',
    note: 'Only `none`.',
    reason: noTools,
  },
  parallel_tool_calls: { kind: 'refused', reason: noTools },
  functions: { kind: 'default-only', accepts: isEmptyList, note: 'Only an empty list.', reason: noTools },
  function_call: {
    kind: 'default-only',
    accepts: value => value === 'none',
    note: 'Only `none`.',
    reason: noTools,
  },
  reasoning_effort: {
    kind: 'default-only',
    accepts: value => value === 'none',
    note: 'Only `none`.',
    reason: 'the models here answer without a reasoning phase',
  },
  verbosity: {
    kind: 'default-only',
    accepts: value => value === 'medium',
    note: 'Only `medium`.',
    reason: 'the models here have no such control; ask for a short or long answer in the prompt',
  },
  prediction: { kind: 'refused', reason: 'predicted outputs are not available' },
  prompt_cache_options: { kind: 'refused', reason: 'caching here goes by content and has no options' },
  moderation: { kind: 'refused', reason: 'no moderation model runs here' },
  web_search_options: { kind: 'refused', reason: 'the models here cannot search the web' },
}

/** Names of the parameters that may appear in a request, for suggestions. */
export const usableParameterNames: readonly string[] = Object.entries(chatCompletionParameters)
  .filter(([, support]) => support.kind !== 'refused')
  .map(([name]) => name)
