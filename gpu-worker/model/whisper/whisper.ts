/** Loads a Whisper pack once for all who listen with it: chat and transcription share sessions, batches and memory. */
import { EncodeQueue } from '../../encode/encode-queue.ts'
import type { OrtRuntime } from '../../runtime/runtime.ts'
import { loadTokenizer } from '../../text/tokenizer.ts'
import type { LoadContext } from '../chat-model.ts'
import type { SileroVadManifest, WhisperManifest } from '../manifest.ts'
import type { Pack } from '../pack.ts'
import { VoiceActivity } from '../silero-vad/voice-activity.ts'
import type { SpeechModel } from '../speech-model.ts'
import { WhisperDecoder } from './decoder.ts'
import { WhisperEncoder } from './encoder.ts'
import type { Ears } from './hear-window.ts'
import { Recognizer } from './recognizer.ts'
import { WhisperSpeechModel } from './speech-model.ts'

/** A pack, loaded. */
export interface Whisper extends Ears {
  /** Idempotent. */
  close(): Promise<void>
}

/** Packs that are loaded or being loaded, by name. */
export type Whispers = Map<string, Promise<Whisper>>

type WhisperContext = Pick<LoadContext, 'runtime' | 'threads' | 'packs' | 'encodeQueue' | 'whispers'>

/** Rows of the decoder: four windows of five hypotheses, or fewer of more. */
const MAX_ROWS = 20

/**
 * The pack as it is loaded already, or loads it.
 * @throws RuntimeError, PackError
 */
export function loadWhisper(pack: Pack<WhisperManifest>, context: WhisperContext): Promise<Whisper> {
  const { name } = pack.manifest
  const known = context.whispers?.get(name)
  if (known) return known
  const whisper = load(pack, context)
  context.whispers?.set(name, whisper)
  return whisper
}

/** The pack as a model that transcribes; with voice activity detection, if there is a pack for it. */
export async function loadWhisperModel(
  pack: Pack<WhisperManifest>,
  context: WhisperContext,
): Promise<SpeechModel> {
  const detector = Array.from(context.packs.values()).find(isDetector)
  const [whisper, activity] = await Promise.all([
    loadWhisper(pack, context),
    detector ? loadVoiceActivity(detector, context.runtime) : null,
  ])
  return new WhisperSpeechModel(whisper, activity, context.encodeQueue ?? new EncodeQueue(), async () => {
    await Promise.all([whisper.close(), activity?.close()])
  })
}

async function load(
  pack: Pack<WhisperManifest>,
  { runtime, threads }: Pick<LoadContext, 'runtime' | 'threads'>,
): Promise<Whisper> {
  const { manifest } = pack
  const [encoderSession, decoderSession, tokenizer] = await Promise.all([
    runtime.loadSession(pack.path(manifest.encoder.graph), { threads }),
    runtime.loadSession(pack.path(manifest.decoder.graph), { threads }),
    loadTokenizer(pack.path(manifest.tokenizer)),
  ])
  const decoder = new WhisperDecoder(decoderSession, manifest.decoder, MAX_ROWS)
  return {
    encoder: new WhisperEncoder(encoderSession, manifest),
    decoder,
    recognizer: new Recognizer(decoder, manifest.tokens),
    tokenizer,
    manifest,
    async close() {
      await Promise.all([encoderSession.release(), decoderSession.release()])
    },
  }
}

function isDetector(pack: Pack): pack is Pack<SileroVadManifest> {
  return pack.manifest.architecture === 'silero-vad'
}

/** One thread: its operators are too small for two. */
async function loadVoiceActivity(pack: Pack<SileroVadManifest>, runtime: OrtRuntime): Promise<VoiceActivity> {
  const session = await runtime.loadSession(pack.path(pack.manifest.graph), { threads: 1 })
  return new VoiceActivity(session, pack.manifest)
}
