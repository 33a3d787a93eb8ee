// @ts-check
/** What was said so far: goes along with every request, since the API keeps nothing. */

/**
 * @typedef {import('./clip.js').Clip} Clip
 * @typedef {import('./api.js').Message} Message
 * @typedef {import('./api.js').Part} Part
 * @typedef {{clip: Clip | null, text: string}} Question at least one of the two; a clip without text is a talk
 */

/** Questions with their answers, in order. */
export class Conversation {
  /** @type {{question: Question, answer: string}[]} */
  #turns = []

  get isEmpty() {
    return this.#turns.length === 0
  }

  /** How many recordings went with its questions. */
  get clipCount() {
    return this.#turns.filter(({ question }) => question.clip).length
  }

  /** @returns {Clip | null} the recording that was sent last */
  get lastClip() {
    return this.#turns.findLast(({ question }) => question.clip)?.question.clip ?? null
  }

  /**
   * @param {Question} question
   * @param {string} answer
   */
  add(question, answer) {
    this.#turns.push({ question, answer })
  }

  /** Its recordings, and that of a question, in the order in which they are sent. @param {Question} next */
  clipsWith(next) {
    return [...this.#turns.map(({ question }) => question), next].flatMap(({ clip }) => (clip ? [clip] : []))
  }

  /**
   * @param {Question} next what is asked now
   * @param {(clip: Clip) => Part | Promise<Part>} partOf a recording as it is sent
   * @returns {Promise<Message[]>} as the wire has them
   */
  async messagesWith(next, partOf) {
    /** @type {Message[]} */
    const messages = []
    for (const { question, answer } of this.#turns) {
      messages.push(await messageOf(question, partOf), { role: 'assistant', content: answer })
    }
    return [...messages, await messageOf(next, partOf)]
  }
}

/**
 * @param {Clip} clip
 * @param {string} data base64 of it, or what stands for that
 * @returns {Part}
 */
export function audioPart({ format }, data) {
  return { type: 'input_audio', input_audio: { data, ...(format && { format }) } }
}

/**
 * @param {Question} question
 * @param {(clip: Clip) => Part | Promise<Part>} partOf
 * @returns {Promise<Message>}
 */
async function messageOf({ clip, text }, partOf) {
  if (!clip) return { role: 'user', content: text }
  const content = [await partOf(clip)]
  if (text) content.push({ type: 'text', text })
  return { role: 'user', content }
}
