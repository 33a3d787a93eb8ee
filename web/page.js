// @ts-check
/** The elements of index.html by their ids, with their types. */

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 * @throws {TypeError} when the page has no such element
 */
export function find(id, type) {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new TypeError(`index.html has no ${type.name} with the id ${id}`)
  return found
}

/**
 * Radio buttons of one name as a value.
 * @param {string} name
 * @param {(value: string) => void} onChange
 * @returns {() => string} the value chosen now
 */
export function choiceOf(name, onChange) {
  /** @type {HTMLInputElement[]} */
  const inputs = [...document.querySelectorAll(`input[name="${name}"]`)].filter(
    input => input instanceof HTMLInputElement,
  )
  const value = () => inputs.find(input => input.checked)?.value ?? ''
  for (const input of inputs) input.addEventListener('change', () => onChange(value()))
  return value
}

/**
 * A row of buttons that each stand for an item.
 * @template T
 * @param {HTMLElement} row shown if there are items
 * @param {T[]} items
 * @param {(item: T) => string} labelOf
 * @param {(item: T) => void} onChoose
 */
export function fillChips(row, items, labelOf, onChoose) {
  row.hidden = items.length === 0
  row.replaceChildren(
    ...items.map(item => {
      const button = document.createElement('button')
      button.type = 'button'
      button.textContent = labelOf(item)
      button.addEventListener('click', () => onChoose(item))
      return button
    }),
  )
}
