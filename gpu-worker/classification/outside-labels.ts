/**
 * What a recording might be of instead: sounds of all kinds that are scored beside the caller's labels, so that a bell isn't
 * taken for a dog only because nobody offered "bell".
 */
const SOUNDS = [
  'birds',
  'dog',
  'cat',
  'cow',
  'running water',
  'rain',
  'wind',
  'thunder',
  'fire',
  'car engine',
  'train',
  'airplane',
  'siren',
  'bell',
  'telephone',
  'door',
  'footsteps',
  'laughter',
  'crowd',
  'hammering',
  'explosion',
] as const

/** Those that none of the labels has a word of: "dog barking" speaks of dogs. */
export function outsideOf(labels: readonly string[]): string[] {
  const named = new Set(labels.flatMap(wordsOf))
  return SOUNDS.filter(sound => !wordsOf(sound).some(word => named.has(word)))
}

/** In lower case, and a plural as its singular. */
function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? []
  return words.map(word => word.replace(/(?<=\p{L}{2})s$/u, ''))
}
