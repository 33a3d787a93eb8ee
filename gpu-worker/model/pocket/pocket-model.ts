/**
 * The pocket architecture: what is said reaches the language model as speech tokens (the vocabulary bridge),
 * what else is heard as acoustic tokens (a projector), side by side, window by window.
 */
import { splitWindows } from '../../audio/windows.ts'
import { EncodeQueue } from '../../encode/encode-queue.ts'
import { createEngine } from '../../engine/create-engine.ts'
import { scorerOf, tokenTexts } from '../../speech/word-scorer.ts'
import { loadTokenizer } from '../../text/tokenizer.ts'
import {
  type ChatModel,
  type EncodedWindow,
  generationDefaults,
  type HeardWindow,
  type LoadContext,
} from '../chat-model.ts'
import { CheckpointPool } from '../checkpoint-pool.ts'
import { identityOf } from '../identity.ts'
import type { PocketManifest, WhisperManifest } from '../manifest.ts'
import type { Pack } from '../pack.ts'
import { renderChat } from '../render-chat.ts'
import { WhisperListener } from '../whisper/listener.ts'
import { loadWhisper } from '../whisper/whisper.ts'
import { type Checkpoint, loadCheckpoint } from './checkpoint.ts'
import { hearWindow } from './hear.ts'
import { loadLanguageModel } from './language-model.ts'
import { createVocabularyBridge } from './vocabulary-bridge.ts'

const SAMPLE_RATE_HZ = 16_000
const WINDOW_SECONDS = 30
/** Goes up when the code hears otherwise than before, so that no cache on disk keeps what it heard then. */
const HEARING_VERSION = 3
/** Some 10 MB each. */
const MAX_CHECKPOINTS = 4
/**
 * Four positions of a lone answer take 1.7 times as long as one (two cores), and give the same to the last bit
 * (test/soak/invariance.test.ts). Seven drafts would pay only where nearly all come true.
 */
const MAX_DRAFTS = 3

/** Loads a pocket pack and the speech pack it hears with. */
export async function loadPocketModel(pack: Pack<PocketManifest>, context: LoadContext): Promise<ChatModel> {
  const { manifest } = pack
  const { language_model: languageModel, hearing, tokens } = manifest
  const speechPack = context.packs.get(manifest.speech.pack) as Pack<WhisperManifest> | undefined
  if (speechPack?.manifest.architecture !== 'whisper') {
    throw new RangeError(`pack '${manifest.name}' needs the speech pack '${manifest.speech.pack}'`)
  }
  const { runtime, threads, encodeQueue = new EncodeQueue() } = context
  const [{ decoder, table }, whisper, tokenizer] = await Promise.all([
    loadLanguageModel(pack, runtime, threads),
    loadWhisper(speechPack, context),
    loadTokenizer(pack.path(manifest.tokenizer)),
  ])
  const { tokenizer: speechTokenizer, encoder } = whisper
  const listener = new WhisperListener(whisper.recognizer, whisper.manifest, speechTokenizer)
  const textOf = tokenTexts(speechTokenizer)
  const bridge = createVocabularyBridge(speechTokenizer, tokenizer, table)
  const engine = createEngine(
    { decoder, embeddings: table, checkpoints: new Map() },
    {
      maxDrafts: MAX_DRAFTS,
      ...context.engine,
      slotCapacity: Math.min(context.engine.slotCapacity ?? 4096, languageModel.max_positions),
    },
  )

  const checkpoints = new CheckpointPool<Checkpoint>({
    async load(name) {
      const checkpoint = await loadCheckpoint(pack, name, runtime)
      engine.addCheckpoint(name, checkpoint.adapter)
      return checkpoint
    },
    async unload(checkpoint) {
      engine.removeCheckpoint(checkpoint.name)
      await checkpoint.close()
    },
    most: context.maxCheckpoints ?? MAX_CHECKPOINTS,
  })
  // What is wrong with the one that most requests name shows at the start.
  const first = await checkpoints.hold(manifest.default_checkpoint)
  first[Symbol.dispose]()

  const maxSeconds = WINDOW_SECONDS - hearing.tail_samples / SAMPLE_RATE_HZ
  const hearAudio: ChatModel['hearAudio'] = (samples, who, expected = null) =>
    encodeQueue.job(who, async turn => {
      const windows: HeardWindow[] = []
      const scorer = expected && scorerOf(expected, textOf)
      for (const { start, end } of splitWindows(samples, maxSeconds)) {
        const heard = await turn(() =>
          hearWindow(samples.subarray(start, end), { encoder, listener }, hearing, who, scorer),
        )
        windows.push({ ...heard, startSeconds: start / SAMPLE_RATE_HZ, endSeconds: end / SAMPLE_RATE_HZ })
      }
      return windows
    })

  async function projectWindow(
    { features, speech, startSeconds, endSeconds }: HeardWindow,
    checkpoint: Checkpoint,
    signal: AbortSignal,
  ): Promise<EncodedWindow> {
    const acoustic = await checkpoint.projectAcoustic(features, signal)
    const spoken = bridge.embed(speech?.steps ?? [])
    const rows = new Float32Array(acoustic.length + spoken.length)
    rows.set(acoustic)
    rows.set(spoken, acoustic.length)
    const placeholders = (values: Float32Array) =>
      new Array<number>(values.length / languageModel.hidden).fill(tokens.audio)
    const ids = [
      tokens.audio_start,
      ...placeholders(acoustic),
      tokens.audio_speech,
      ...placeholders(spoken),
      tokens.audio_end,
    ]
    return {
      ids,
      rows,
      startSeconds,
      endSeconds,
      transcript: speech?.text.trim() ?? null,
      unbiasedTranscript: (speech?.unbiasedText ?? speech?.text)?.trim() ?? null,
    }
  }

  const format = {
    tokenizer,
    tokens,
    defaultSystem: manifest.prompt.default_system,
    textEndsLine: true,
  }
  const renderWithMarkers: ChatModel['renderChat'] = (messages, audios, checkpointName) => {
    const { markers } = checkpoints.get(checkpointName)
    const lookup: typeof table.lookup = (id, target, offset = 0) => {
      const marker = markers.get(id)
      if (marker) target.set(marker, offset)
      else table.lookup(id, target, offset)
    }
    return renderChat(messages, audios, format, { hiddenSize: table.hiddenSize, lookup })
  }

  return {
    pack,
    tokenizer,
    engine,
    stopIds: new Set([tokens.end_of_turn]),
    generation: generationDefaults(manifest.generation),
    checkpoints: manifest.checkpoints.map(({ name }) => name),
    holdCheckpoint: name => checkpoints.hold(name),
    defaultCheckpoint: manifest.default_checkpoint,
    hasRecognizer: true,
    // Alone, so that what was heard outlives a new checkpoint.
    hearingIdentity: identityOf(HEARING_VERSION, speechPack.manifest, hearing),
    projectionIdentity: checkpointName => identityOf(speechPack.manifest, manifest, checkpointName),
    // What was tuned is how to answer about audio; a conversation without any is the base model's, unchanged.
    adapterFor: (checkpoint, hasAudio) => (hasAudio ? checkpoint : null),
    hearAudio,
    async projectAudio(heard, checkpointName, signal) {
      const checkpoint = checkpoints.get(checkpointName)
      const windows: EncodedWindow[] = []
      for (const window of heard) windows.push(await projectWindow(window, checkpoint, signal))
      return windows
    },
    renderChat: renderWithMarkers,
    async close() {
      await engine.close()
      await Promise.all([decoder.release(), whisper.close(), checkpoints.close()])
    },
  }
}
