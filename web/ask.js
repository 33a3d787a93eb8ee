// @ts-check
/** A question on its way to the server: audio that it has heard goes by its id, and whole again where it has forgotten it. */
import { ServerError, streamChat } from './api.js'
import { base64Of } from './clip.js'
import { audioPart } from './conversation.js'

/**
 * @typedef {import('./clip.js').Clip} Clip
 * @typedef {import('./conversation.js').Conversation} Conversation
 * @typedef {import('./conversation.js').Question} Question
 */

/**
 * Asks within a conversation, and yields what comes.
 * @param {Conversation} conversation
 * @param {Question} question
 * @param {{model: string, long_audio?: 'error' | 'chunk'}} parameters
 * @param {AbortSignal} signal
 * @returns {ReturnType<typeof streamChat>}
 * @throws as streamChat
 */
export async function* streamAnswer(conversation, question, parameters, signal) {
  const clips = conversation.clipsWith(question)
  try {
    yield* attempt()
  } catch (error) {
    // Said before anything of an answer: it is gone for all, or for the worker that is there now.
    const isForgotten = error instanceof ServerError && error.code === 'audio_not_cached'
    if (!isForgotten || clips.every(({ audioId }) => audioId === null)) throw error
    for (const clip of clips) clip.audioId = null
    yield* attempt()
  }

  async function* attempt() {
    const messages = await conversation.messagesWith(question, partOf)
    for await (const event of streamChat({ ...parameters, messages }, signal)) {
      if (event.type === 'usage') learn(clips, event.usage)
      yield event
    }
  }
}

/** @param {Clip} clip */
async function partOf(clip) {
  if (clip.audioId === null) return audioPart(clip, await base64Of(clip.blob))
  return { type: /** @type {const} */ ('audio_url'), audio_url: { url: `audio:${clip.audioId}` } }
}

/**
 * @param {Clip[]} clips
 * @param {import('./api.js').Usage} usage one entry an audio, in the order in which they were sent
 */
function learn(clips, { audio = [] }) {
  clips.forEach((clip, at) => {
    clip.audioId = audio[at]?.audio_id ?? null
  })
}
