// @ts-check
/** What was said so far: goes along with every request, since the API keeps nothing. */

/**
 * @typedef {import('./clip.js').Clip} Clip
 * @typedef {import('./api.js').Message} Message
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

  /**
   * @param {Question} next what is asked now
   * @param {(clip: Clip) => string | Promise<string>} dataOf base64 of a recording, or what stands for it
   * @returns {Promise<Message[]>} as the wire has them
   */
  async messagesWith(next, dataOf) {
    /** @type {Message[]} */
    const messages = []
    for (const { question, answer } of this.#turns) {
      messages.push(await messageOf(question, dataOf), { role: 'assistant', content: answer })
    }
    return [...messages, await messageOf(next, dataOf)]
  }
}

/**
 * @param {Question} question
 * @param {(clip: Clip) => string | Promise<string>} dataOf
 * @returns {Promise<Message>}
 */
async function messageOf({ clip, text }, dataOf) {
  if (!clip) return { role: 'user', content: text }
  /** @type {import('./api.js').Part[]} */
  const content = [
    {
      type: 'input_audio',
      input_audio: { data: await dataOf(clip), ...(clip.format && { format: clip.format }) },
    },
  ]
  if (text) content.push({ type: 'text', text })
  return { role: 'user', content }
}
