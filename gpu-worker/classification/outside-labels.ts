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

/** Words that leave nothing outside. */
const CATCH_ALL = new Set([
  'noise',
  'silence',
  'silent',
  'quiet',
  'nothing',
  'none',
  'other',
  'else',
  'unknown',
])
/** Words for so much that a single sound would be an answer in other words, and no other answer. */
const GENERAL = new Set(
  'speech voice talking person people human music instrument sound animal vehicle machine nature weather'.split(
    ' ',
  ),
)

/**
 * Those that none of the labels has a word of: "dog barking" speaks of dogs. None of them where labels are general; null
 * where one of the labels fits whatever is heard.
 */
export function outsideOf(labels: readonly string[]): string[] | null {
  const named = new Set(labels.flatMap(wordsOf))
  const namesOne = (words: ReadonlySet<string>) => [...named].some(word => words.has(word))
  if (namesOne(CATCH_ALL)) return null
  if (namesOne(GENERAL)) return []
  return SOUNDS.filter(sound => !wordsOf(sound).some(word => named.has(word)))
}

/** In lower case, and a plural as its singular. */
function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? []
  return words.map(word => word.replace(/(?<=\p{L}{2})s$/u, ''))
}
