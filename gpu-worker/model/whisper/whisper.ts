/** Loads a Whisper pack once, for all who listen with it: chat and transcription share sessions and batches. */
import { loadTokenizer } from '../../text/tokenizer.ts'
import type { LoadContext } from '../chat-model.ts'
import type { WhisperManifest } from '../manifest.ts'
import type { Pack } from '../pack.ts'
import { WhisperDecoder } from './decoder.ts'
import { WhisperEncoder } from './encoder.ts'
import { Recognizer } from './recognizer.ts'
import { WhisperSpeechModel } from './speech-model.ts'

/** Rows of the decoder: four windows of five hypotheses, or fewer of more. */
const MAX_ROWS = 20

/** @throws RuntimeError, PackError */
export async function loadWhisper(
  pack: Pack<WhisperManifest>,
  { runtime, threads }: Pick<LoadContext, 'runtime' | 'threads'>,
): Promise<WhisperSpeechModel> {
  const { manifest } = pack
  const [encoderSession, decoderSession, tokenizer] = await Promise.all([
    runtime.loadSession(pack.path(manifest.encoder.graph), { threads }),
    runtime.loadSession(pack.path(manifest.decoder.graph), { threads }),
    loadTokenizer(pack.path(manifest.tokenizer)),
  ])
  const decoder = new WhisperDecoder(decoderSession, manifest.decoder, MAX_ROWS)
  const ears = {
    encoder: new WhisperEncoder(encoderSession, manifest.audio.mel_bins),
    recognizer: new Recognizer(decoder, manifest.tokens),
    tokenizer,
    manifest,
  }
  return new WhisperSpeechModel(ears, decoder, async () => {
    await Promise.all([encoderSession.release(), decoderSession.release()])
  })
}
