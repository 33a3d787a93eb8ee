/** From the events of a transcription to OpenAI's shapes: one answer in each format, or a stream of events. */
import { defaultNgramWeight } from '../../src/protocol/rescore.ts'
import { toSrt, toText, toVtt } from '../../src/protocol/transcript-formats.ts'
import type {
  Transcription,
  TranscriptionRequest,
  TranscriptionVerbose,
  TranscriptLogprob,
  TranscriptSegment,
  TranscriptStreamEvent,
} from '../../src/protocol/transcriptions.ts'
import type { Hypothesis, Segment, Word } from '../model/speech-model.ts'
import type { TranscriptEvent, TranscriptionTask } from '../transcription/transcription.ts'

type End = Extract<TranscriptEvent, { type: 'end' }>

/** A whole answer: what and in which type. */
export interface TranscriptAnswer {
  contentType: string
  body: string
  /** Of the recording; formats that are text have no usage to say it in. */
  audioSeconds: number
}

/** Collects a transcription into the format that was asked for. */
export async function toTranscript(
  events: AsyncIterable<TranscriptEvent>,
  request: TranscriptionRequest,
  task: TranscriptionTask,
): Promise<TranscriptAnswer> {
  let text = ''
  const segments: Segment[] = []
  const logprobs: TranscriptLogprob[] = []
  let end: End | undefined
  for await (const event of events) {
    if (event.type === 'end') {
      end = event
      continue
    }
    text += event.text
    if (event.segment) segments.push(event.segment)
    logprobs.push(...event.logprobs)
  }
  text = text.trim()
  const answer = (contentType: string, body: string): TranscriptAnswer => ({
    contentType,
    body,
    audioSeconds: milliseconds(end!.durationSeconds),
  })
  switch (request.response_format ?? 'json') {
    case 'text':
      return answer('text/plain; charset=utf-8', toText(text))
    case 'srt':
      return answer('application/x-subrip; charset=utf-8', toSrt(segments))
    case 'vtt':
      return answer('text/vtt; charset=utf-8', toVtt(segments))
    case 'json': {
      const withLogprobs = request.include?.includes('logprobs') ?? false
      const transcription: Transcription = {
        text,
        ...(withLogprobs && { logprobs }),
        usage: end!.usage,
        no_speech: end!.noSpeech,
      }
      return answer('application/json', JSON.stringify(transcription))
    }
    case 'verbose_json':
      return answer('application/json', JSON.stringify(verbose(text, segments, end!, request, task)))
  }
}

/** The events of a streamed transcription. Their deltas, joined, are the text of the last one. */
export async function* toTranscriptStream(
  events: AsyncIterable<TranscriptEvent>,
  withLogprobs: boolean,
): AsyncGenerator<TranscriptStreamEvent> {
  let text = ''
  const logprobs: TranscriptLogprob[] = []
  for await (const event of events) {
    if (event.type === 'end') {
      yield {
        type: 'transcript.text.done',
        text,
        ...(withLogprobs && { logprobs }),
        usage: event.usage,
        ...(event.timestampSource !== null && { timestamp_source: event.timestampSource }),
        no_speech: event.noSpeech,
      }
      continue
    }
    const delta = text === '' ? event.text.trimStart() : event.text
    text += delta
    logprobs.push(...event.logprobs)
    const id = event.segment === null ? undefined : String(event.segment.id)
    yield {
      type: 'transcript.text.delta',
      delta,
      ...(withLogprobs && { logprobs: event.logprobs }),
      ...(id !== undefined && { segment_id: id }),
    }
    if (event.segment !== null) {
      const { start, end } = event.segment
      yield {
        type: 'transcript.text.segment',
        id: id!,
        start: milliseconds(start),
        end: milliseconds(end),
        text: event.segment.text.trim(),
      }
    }
  }
}

function verbose(
  text: string,
  segments: readonly Segment[],
  end: End,
  request: TranscriptionRequest,
  task: TranscriptionTask,
): TranscriptionVerbose {
  const granularities = request.timestamp_granularities ?? ['segment']
  return {
    task,
    language: languageName(task === 'translate' ? 'en' : (end.language ?? 'en')),
    duration: milliseconds(end.durationSeconds),
    text,
    ...(granularities.includes('segment') && {
      segments: segments.map(segment => toSegment(segment, request.ngram_weight)),
    }),
    ...(granularities.includes('word') && {
      words: segments.flatMap(segment => segment.words ?? []).map(toWord),
    }),
    usage: end.usage,
    timestamp_source: end.timestampSource!,
    no_speech: end.noSpeech,
  }
}

function toSegment(segment: Segment, ngramWeight = defaultNgramWeight): TranscriptSegment {
  return {
    id: segment.id,
    seek: segment.seek,
    start: milliseconds(segment.start),
    end: milliseconds(segment.end),
    text: segment.text,
    tokens: [...segment.tokens],
    temperature: segment.temperature,
    avg_logprob: segment.avgLogprob,
    compression_ratio: segment.compressionRatio,
    no_speech_prob: segment.noSpeechProbability,
    ...(segment.hypotheses && {
      hypotheses: segment.hypotheses.map(hypothesis => toHypothesis(hypothesis, ngramWeight)),
    }),
  }
}

function toHypothesis({ text, acoustic, languageModel, length, score }: Hypothesis, ngramWeight: number) {
  const ngram = ngramWeight * Math.LN10 * (languageModel ?? 0)
  return { text: text.trim(), score, parts: { acoustic, ngram, length } }
}

function toWord({ word, start, end }: Word) {
  return { word, start: milliseconds(start), end: milliseconds(end) }
}

/** `en` is `english`. */
function languageName(code: string): string {
  return new Intl.DisplayNames('en', { type: 'language' }).of(code)?.toLowerCase() ?? code
}

function milliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}
