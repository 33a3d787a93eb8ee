import type { ChatModel, LoadContext } from './chat-model.ts'
import type { PocketManifest } from './manifest.ts'
import type { Pack } from './pack.ts'
import { loadPocketModel } from './pocket/pocket-model.ts'

/** How each architecture that chats is loaded: one line, one folder. */
const CHAT_ARCHITECTURES: Readonly<Record<string, (pack: Pack, context: LoadContext) => Promise<ChatModel>>> =
  {
    pocket: (pack, context) => loadPocketModel(pack as Pack<PocketManifest>, context),
  }

/** Loads every pack that chats, by name. Packs of other architectures serve them, or other endpoints. */
export async function loadChatModels(context: LoadContext): Promise<Map<string, ChatModel>> {
  const models = new Map<string, ChatModel>()
  for (const [name, pack] of context.packs) {
    const load = CHAT_ARCHITECTURES[pack.manifest.architecture]
    if (load) models.set(name, await load(pack, context))
  }
  return models
}
