/** Loads a Whisper pack once, for all who listen with it: chat and transcription share sessions and batches. */
import { EncodeQueue } from '../../encode/encode-queue.ts'
import type { OrtRuntime } from '../../runtime/runtime.ts'
import { loadTokenizer } from '../../text/tokenizer.ts'
import type { LoadContext } from '../chat-model.ts'
import type { SileroVadManifest, WhisperManifest } from '../manifest.ts'
import type { Pack } from '../pack.ts'
import { VoiceActivity } from '../silero-vad/voice-activity.ts'
import { WhisperDecoder } from './decoder.ts'
import { RecyclingEncoder } from './encoder.ts'
import { Recognizer } from './recognizer.ts'
import { WhisperSpeechModel } from './speech-model.ts'

/** Rows of the decoder: four windows of five hypotheses, or fewer of more. */
const MAX_ROWS = 20

/** @throws RuntimeError, PackError */
export async function loadWhisper(
  pack: Pack<WhisperManifest>,
  context: Pick<LoadContext, 'runtime' | 'threads' | 'packs' | 'encodeQueue'>,
): Promise<WhisperSpeechModel> {
  const { manifest } = pack
  const { runtime, threads, packs, encodeQueue = new EncodeQueue() } = context
  const detector = Array.from(packs.values()).find(isDetector)
  const [encoderSession, decoderSession, tokenizer, activity] = await Promise.all([
    runtime.loadSession(pack.path(manifest.encoder.graph), { threads }),
    runtime.loadSession(pack.path(manifest.decoder.graph), { threads }),
    loadTokenizer(pack.path(manifest.tokenizer)),
    detector ? loadVoiceActivity(detector, runtime) : null,
  ])
  const decoder = new WhisperDecoder(decoderSession, manifest.decoder, MAX_ROWS)
  const ears = {
    encoder: new RecyclingEncoder(encoderSession, manifest),
    recognizer: new Recognizer(decoder, manifest.tokens),
    tokenizer,
    manifest,
  }
  return new WhisperSpeechModel(ears, decoder, activity, encodeQueue, async () => {
    await Promise.all([encoderSession.release(), decoderSession.release(), activity?.close()])
  })
}

function isDetector(pack: Pack): pack is Pack<SileroVadManifest> {
  return pack.manifest.architecture === 'silero-vad'
}

/** One thread: its operators are too small for two. */
async function loadVoiceActivity(pack: Pack<SileroVadManifest>, runtime: OrtRuntime): Promise<VoiceActivity> {
  const session = await runtime.loadSession(pack.path(pack.manifest.graph), { threads: 1 })
  return new VoiceActivity(session, pack.manifest)
}
