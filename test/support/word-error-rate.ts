/**
 * Word errors of a transcript: the least number of words to change, leave out or put in.
 * Both texts are compared in lower case, without punctuation, digits as they are written.
 */
export function wordErrors(reference: string, hypothesis: string): { errors: number; words: number } {
  const expected = words(reference)
  const heard = words(hypothesis)
  let row = Array.from({ length: heard.length + 1 }, (_, k) => k)
  for (const [i, word] of expected.entries()) {
    const next = [i + 1]
    for (const [j, other] of heard.entries()) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (word === other ? 0 : 1)))
    }
    row = next
  }
  return { errors: row[heard.length]!, words: expected.length }
}

function words(text: string): string[] {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9' ]/g, ' ')
    .split(' ')
    .filter(word => word !== '')
}
