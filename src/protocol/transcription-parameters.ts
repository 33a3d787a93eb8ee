/**
 * Every parameter of OpenAI's transcriptions and translations, and what becomes of it here; as openai-parameters.ts
 * for chat. docs/openai-parameters.md holds these tables too (a test holds them equal).
 */
import type { ParameterSupport } from './openai-parameters.ts'

const noSpeakers = 'speakers are not told apart here'

const common: Readonly<Record<string, ParameterSupport>> = {
  file: { kind: 'done', note: 'WAV, MP3, FLAC, Ogg, WebM, MP4; told apart by its bytes. At most 25 MB.' },
  file_id: {
    kind: 'extension',
    note: 'Id of an uploaded file (`POST /v1/files`, `POST /v1/uploads`), in the place of `file`; at most 25 MB too.',
  },
  model: { kind: 'done', note: 'A name that `GET /v1/models` lists with the task, or any model that chats.' },
  prompt: { kind: 'done', note: 'Of speech models: names, spelling and style are taken from it.' },
  response_format: {
    kind: 'done',
    note: '`json`, `text`, `srt`, `vtt`, `verbose_json`; not `diarized_json`. Models that chat give no times: `json` and `text`.',
  },
  temperature: {
    kind: 'done',
    note: '0 to 1. At 0, Whisper’s ladder: a window whose transcript fails its checks is sampled at 0.2, 0.4, ...',
  },
}

/** The table for `POST /v1/audio/transcriptions`. */
export const transcriptionParameters: Readonly<Record<string, ParameterSupport>> = {
  ...common,
  language: { kind: 'done', note: 'ISO 639-1, one that the model knows.' },
  timestamp_granularities: { kind: 'done', note: '`segment`, `word`; needs `verbose_json`.' },
  stream: {
    kind: 'done',
    note: 'Events `transcript.text.delta`, `.segment`, `.done`, then `data: [DONE]`; with `json` or `text`.',
  },
  include: { kind: 'done', note: '`logprobs`; needs `json`.' },
  chunking_strategy: {
    kind: 'done',
    note: '`auto` (default), or `server_vad` with its numbers; `none` is ours: all is taken for speech.',
  },
  keywords: { kind: 'done', note: 'The same as `hotwords`.' },
  hotwords: {
    kind: 'extension',
    note: 'Words and phrases that are likelier here than elsewhere; at most 256.',
  },
  n_best: {
    kind: 'extension',
    note: '1 to 16: how many guesses at each window are given, with their scores; needs `verbose_json`.',
  },
  beam_size: {
    kind: 'extension',
    note: '1 (greedy) to 16. Left out: 5 where a search is asked for (n-gram model, hotwords, n-best), else 1.',
  },
  ngram_model: {
    kind: 'extension',
    note: 'Id of a model made by `POST /v1/ngram-models`, or a list of `{id, weight}` as JSON; docs/ngram.md.',
  },
  ngram_weight: { kind: 'extension', note: '0 to 10; what its log-probability is multiplied with.' },
  word_bonus: { kind: 'extension', note: '-10 to 10; added for each word.' },
  languages: { kind: 'refused', reason: 'send the one language as language, or leave it out' },
  known_speaker_names: { kind: 'refused', reason: noSpeakers },
  known_speaker_references: { kind: 'refused', reason: noSpeakers },
}

/** The table for `POST /v1/audio/translations`. */
export const translationParameters: Readonly<Record<string, ParameterSupport>> = common
