/**
 * What is heard and when, beside faster-whisper's int8 with the published weights and the same beam: word error rates
 * in points above its, and how far the times of the words that both heard lie apart.
 */
import { wordErrors } from '../../test/support/word-error-rate.ts'
import type { Bench } from '../bench.ts'
import { startFasterWhisper } from '../references.ts'
import { type SpeechClip, speechClips } from '../speech-clips.ts'
import { Transcriber } from '../transcriber.ts'

interface PeerAnswer {
  text: string
  /** Word, start, end; seconds. */
  words: [string, number, number][]
}

/** A word may be looked for so many places ahead. */
const SEARCH_WORDS = 3

const transcribeQuality: Bench = async function* ({ threads, runs, log }) {
  const clips = (await speechClips()).slice(0, runs)
  const [ours, peer] = await Promise.all([Transcriber.load(threads), startFasterWhisper(threads)])
  try {
    for (const beamSize of [1, 5]) {
      const errors = { ours: 0, theirs: 0, words: 0 }
      const distances: number[] = []
      for (const clip of clips) {
        const wordTimestamps = beamSize > 1
        const heard = await ours.transcribe(clip.bytes, { beamSize, segmentTimestamps: true, wordTimestamps })
        const theirs = await peer.ask<PeerAnswer>({
          audio: clip.path,
          beam_size: beamSize,
          word_timestamps: wordTimestamps,
        })
        count(errors, clip, heard.text, theirs.text)
        if (wordTimestamps) distances.push(...timeDistances(heard.words, theirs.words))
      }
      const percent = (wrong: number) => (100 * wrong) / errors.words
      log(
        `beam ${beamSize}: ${percent(errors.ours).toFixed(2)} %, theirs ${percent(errors.theirs).toFixed(2)} %`,
      )
      yield {
        bench: `transcribe-quality/errors-beam-${beamSize}`,
        value: percent(errors.ours) - percent(errors.theirs),
        unit: 'points',
        peer: null,
      }
      if (distances.length === 0) continue
      distances.sort((a, b) => a - b)
      yield {
        bench: 'transcribe-quality/word-times-p90',
        value: 1000 * distances[Math.floor(distances.length * 0.9)]!,
        unit: 'ms',
        peer: null,
      }
    }
  } finally {
    await Promise.all([ours.close(), peer.close()])
  }
}
export default transcribeQuality

function count(
  errors: { ours: number; theirs: number; words: number },
  { text }: SpeechClip,
  ours: string,
  theirs: string,
): void {
  const counted = wordErrors(text, ours)
  errors.ours += counted.errors
  errors.words += counted.words
  errors.theirs += wordErrors(text, theirs).errors
}

/** Starts and ends of the words that both heard, seconds apart. */
function timeDistances(
  ours: readonly { word: string; start: number; end: number }[],
  theirs: PeerAnswer['words'],
): number[] {
  const distances: number[] = []
  let at = 0
  for (const [word, start, end] of theirs) {
    const near = ours.slice(at, at + SEARCH_WORDS).findIndex(our => letters(our.word) === letters(word))
    if (near < 0) continue
    const found = ours[at + near]!
    at += near + 1
    distances.push(Math.abs(found.start - start), Math.abs(found.end - end))
  }
  return distances
}

function letters(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9']/g, '')
}
