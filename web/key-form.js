// @ts-check
/** Where the server asks for an API key, the page asks its user. */
import { ServerError } from './api.js'
import { apiKey, setApiKey } from './api-key.js'
import { find } from './page.js'

export class KeyForm {
  #form = find('key-form', HTMLFormElement)
  #box = find('key', HTMLInputElement)
  #problem = find('key-problem', HTMLElement)
  #forget = find('forget-key', HTMLButtonElement)

  /** @param {{onKey: () => void, onForget: () => void}} listeners told of a key to be tried, and of one that was thrown away */
  constructor({ onKey, onForget }) {
    this.#form.addEventListener('submit', event => {
      event.preventDefault()
      setApiKey(this.#box.value.trim())
      onKey()
    })
    this.#forget.addEventListener('click', () => {
      this.ask()
      onForget()
    })
    this.close()
  }

  /**
   * Forgets the key that there is and asks for one.
   * @param {unknown} [error] why that one won't do
   */
  ask(error) {
    const isRefused = apiKey() !== null && error instanceof ServerError
    this.#problem.textContent = isRefused ? error.message : ''
    setApiKey(null)
    this.#forget.hidden = true
    this.#form.hidden = false
    this.#box.value = ''
    this.#box.focus()
  }

  /** The server is content. */
  close() {
    this.#form.hidden = true
    this.#box.value = ''
    this.#forget.hidden = apiKey() === null
  }
}
