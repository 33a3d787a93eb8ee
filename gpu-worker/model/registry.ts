import type { ChatModel, LoadContext } from './chat-model.ts'
import type { PocketManifest, Qwen2AudioManifest, WhisperManifest } from './manifest.ts'
import type { Pack } from './pack.ts'
import { loadPocketModel } from './pocket/pocket-model.ts'
import { loadQwen2AudioModel } from './qwen2-audio/qwen2-audio-model.ts'
import type { SpeechModel } from './speech-model.ts'
import { loadWhisperModel } from './whisper/whisper.ts'

/** How each architecture that chats is loaded: one line, one folder. */
const CHAT_ARCHITECTURES: Readonly<Record<string, (pack: Pack, context: LoadContext) => Promise<ChatModel>>> =
  {
    pocket: (pack, context) => loadPocketModel(pack as Pack<PocketManifest>, context),
    'qwen2-audio': (pack, context) => loadQwen2AudioModel(pack as Pack<Qwen2AudioManifest>, context),
  }

/** How each architecture that transcribes is loaded. */
const SPEECH_ARCHITECTURES: Readonly<
  Record<string, (pack: Pack, context: SpeechContext) => Promise<SpeechModel>>
> = {
  whisper: (pack, context) => loadWhisperModel(pack as Pack<WhisperManifest>, context),
}

type SpeechContext = Pick<LoadContext, 'runtime' | 'threads' | 'packs' | 'encodeQueue' | 'whispers'>

/** Loads every pack that chats, by name. Packs of other architectures serve them, or other endpoints. */
export async function loadChatModels(context: LoadContext): Promise<Map<string, ChatModel>> {
  const models = new Map<string, ChatModel>()
  for (const [name, pack] of context.packs) {
    const load = CHAT_ARCHITECTURES[pack.manifest.architecture]
    if (load) models.set(name, await load(pack, context))
  }
  return models
}

/** Loads every pack that transcribes, by name. */
export async function loadSpeechModels(context: SpeechContext): Promise<Map<string, SpeechModel>> {
  const models = new Map<string, SpeechModel>()
  for (const [name, pack] of context.packs) {
    const load = SPEECH_ARCHITECTURES[pack.manifest.architecture]
    if (load) models.set(name, await load(pack, context))
  }
  return models
}
