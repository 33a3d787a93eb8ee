/**
 * Rendezvous hashing (Thaler and Ravishankar 1998), weighted: each key ranks the workers in an order of its own, so a
 * worker that comes or goes moves only the keys that it gains or loses, and one with twice the slots gets twice the keys.
 */
import { hashText } from '../protocol/bloom-filter.ts'

/**
 * How much a worker wants a key; the highest score wins.
 * @param weight above 0, e.g. how many requests it can work on at once
 */
export function rendezvousScore(key: string, workerId: string, weight: number): number {
  // In (0, 1): the logarithm of neither end is of use.
  const uniform = (hashText(`${workerId} ${key}`, 0x811c9dc5) + 0.5) / 2 ** 32
  return -weight / Math.log(uniform)
}
