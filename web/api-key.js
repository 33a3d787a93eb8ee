// @ts-check
/** The API key, where the server asks for one: kept as long as the tab is open, and sent in a header, never in a URL. */

const STORED_AS = 'auricle-api-key'

/** @returns {string | null} */
export function apiKey() {
  return sessionStorage.getItem(STORED_AS)
}

/** @param {string | null} key null forgets it */
export function setApiKey(key) {
  if (key === null) sessionStorage.removeItem(STORED_AS)
  else sessionStorage.setItem(STORED_AS, key)
}

/** @returns {Record<string, string>} what a request to the server carries */
export function keyHeaders() {
  const key = apiKey()
  return key === null ? {} : { authorization: `Bearer ${key}` }
}
