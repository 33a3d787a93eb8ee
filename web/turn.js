// @ts-check
/** One turn of the conversation on the page: what was asked, the answer as it comes, what it took. */

/**
 * @typedef {import('./api.js').Usage} Usage
 * @typedef {import('./api.js').ServerError} ServerError
 *
 * @typedef {object} Timing
 * @property {number | null} firstTextMs from sending to the first words
 * @property {number | null} lastTextMs from sending to the last
 */

/** Shows a turn at the end of the log. */
export class Turn {
  #answer = element('div', 'answer streaming')
  #text = element('div', 'answer-text')
  #waiting = element('span', 'waiting', 'Listening…')

  /**
   * @param {HTMLElement} log
   * @param {{clipLine: string | null, question: string | null}} asked what goes with it, as the user would say it
   */
  constructor(log, { clipLine, question }) {
    this.element = element('article', 'turn')
    this.element.setAttribute('aria-busy', 'true')
    const bubble = element('div', 'asked')
    if (clipLine) bubble.append(clipChip(clipLine))
    if (question) bubble.append(element('span', '', question))
    this.#text.append(this.#waiting)
    this.#answer.append(this.#text)
    this.element.append(element('h3', 'visually-hidden', 'You asked'), bubble)
    this.element.append(element('h3', 'visually-hidden', 'Answer'), this.#answer)
    log.append(this.element)
    this.element.scrollIntoView({ block: 'nearest' })
  }

  /** @param {string} text the next piece of the answer */
  append(text) {
    // Whoever has scrolled away to read something else is left there.
    const inView = this.element.getBoundingClientRect().bottom <= innerHeight
    this.#waiting.remove()
    this.#text.append(text)
    if (inView) this.element.scrollIntoView({ block: 'nearest' })
  }

  /**
   * The answer is complete, or was stopped.
   * @param {{usage: Usage | null, timing: Timing, reason: string, text: string}} outcome
   */
  finish({ usage, timing, reason, text }) {
    this.#settle()
    if (text === '')
      this.#text.append(element('span', 'waiting', reason === 'stopped' ? 'Stopped.' : 'No answer.'))
    const facts = element('dl', 'facts')
    for (const { value, unit, short } of factsOf(usage, timing, reason)) {
      const fact = element('div', short ? 'short' : '')
      fact.append(element('dd', '', value), element('dt', '', unit))
      facts.append(fact)
    }
    const foot = element('div', 'answer-foot')
    foot.append(facts)
    if (text !== '') this.#actions([['Copy', button => copy(text, button)]], foot)
    this.#answer.append(foot)
  }

  /**
   * @param {ServerError} error
   * @param {[string, () => void][]} remedies buttons and what they do
   */
  fail(error, remedies) {
    this.#settle()
    if (this.#text.textContent === '') this.#answer.remove()
    const failure = element('div', 'failure')
    failure.setAttribute('role', 'alert')
    failure.append(element('strong', '', error.message))
    if (error.remedy && !error.message.includes(error.remedy)) failure.append(element('p', '', error.remedy))
    const facts = [error.code, error.status].filter(fact => fact !== undefined && fact !== 'connection')
    if (facts.length > 0) {
      const line = element('p', 'quiet')
      line.append(element('code', '', facts.join(' · ')))
      failure.append(line)
    }
    this.#actions(remedies, failure)
    this.element.append(failure)
    this.element.scrollIntoView({ block: 'nearest' })
  }

  #settle() {
    this.#waiting.remove()
    this.#answer.classList.remove('streaming')
    this.element.removeAttribute('aria-busy')
  }

  /**
   * @param {[string, (button: HTMLButtonElement) => void][]} actions
   * @param {HTMLElement} parent
   */
  #actions(actions, parent) {
    const row = element('div', 'turn-actions')
    for (const [label, act] of actions) {
      const button = document.createElement('button')
      button.type = 'button'
      button.className = 'text-button'
      button.textContent = label
      button.addEventListener('click', () => act(button))
      row.append(button)
    }
    parent.append(row)
  }
}

/**
 * A line between conversations.
 * @param {HTMLElement} log
 * @param {string} text
 */
export function appendDivider(log, text) {
  log.append(element('p', 'divider', text))
}

/**
 * Puts text on the clipboard and says so on the button, which is labelled Copy.
 * @param {string} text
 * @param {HTMLButtonElement} button
 */
export async function copy(text, button) {
  const done = await navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  )
  button.textContent = done ? 'Copied' : "Can't copy here"
  setTimeout(() => {
    button.textContent = 'Copy'
  }, 1600)
}

/**
 * What there is to say about an answer, in the order in which it is shown.
 * @param {Usage | null} usage of the whole conversation's prompt
 * @param {Timing} timing
 * @param {string} reason
 * @returns {{value: string, unit: string, short?: boolean}[]} short: less was heard than was sent, or the answer is cut
 */
export function factsOf(usage, { firstTextMs, lastTextMs }, reason) {
  const facts = []
  const audio = usage?.audio ?? []
  if (audio.length > 0) {
    const received = total(audio, 'seconds_received')
    const encoded = total(audio, 'seconds_encoded')
    const whole = encoded > received - 0.05
    facts.push(
      whole
        ? { value: `${received.toFixed(1)} s`, unit: 'heard' }
        : { value: `${encoded.toFixed(1)} of ${received.toFixed(1)} s`, unit: 'heard', short: true },
    )
  }
  const audioTokens = usage?.prompt_tokens_details?.audio_tokens
  if (audioTokens) facts.push({ value: String(audioTokens), unit: 'audio tokens' })
  if (firstTextMs !== null) facts.push({ value: durationOf(firstTextMs), unit: 'to first token' })
  if (
    usage &&
    firstTextMs !== null &&
    lastTextMs !== null &&
    lastTextMs > firstTextMs &&
    usage.completion_tokens > 2
  ) {
    const rate = ((usage.completion_tokens - 1) * 1000) / (lastTextMs - firstTextMs)
    facts.push({ value: rate.toFixed(rate < 10 ? 1 : 0), unit: 'tokens/s' })
  }
  if (reason === 'length') facts.push({ value: 'cut', unit: 'at the longest answer', short: true })
  if (reason === 'stopped') facts.push({ value: 'stopped', unit: 'by you', short: true })
  return facts
}

/** @param {number} ms */
function durationOf(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/**
 * @param {import('./api.js').AudioCoverage[]} audio
 * @param {'seconds_received' | 'seconds_encoded'} key
 */
function total(audio, key) {
  return audio.reduce((sum, one) => sum + one[key], 0)
}

/** @param {string} line */
function clipChip(line) {
  const chip = element('span', 'clip-chip')
  const icon = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  icon.setAttribute('viewBox', '0 0 16 16')
  icon.setAttribute('aria-hidden', 'true')
  const bars = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  bars.setAttribute('d', 'M1 6h2v4H1zM5 3h2v10H5zM9 1h2v14H9zM13 5h2v6h-2z')
  icon.append(bars)
  chip.append(icon, line)
  return chip
}

/**
 * @param {string} name
 * @param {string} className
 * @param {string} [text]
 */
function element(name, className, text) {
  const made = document.createElement(name)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}
