/** A queue in which tenants take turns: whoever sends much waits behind itself. */
export class FairQueue<Item> {
  /** Tenants with something waiting, the next one first. */
  readonly #waiting = new Map<string, Item[]>()

  get size(): number {
    let size = 0
    for (const items of this.#waiting.values()) size += items.length
    return size
  }

  push(tenant: string, item: Item): void {
    const items = this.#waiting.get(tenant)
    if (items) items.push(item)
    else this.#waiting.set(tenant, [item])
  }

  /** The next item, if `accept` takes it; its tenant goes to the back. */
  shift(accept: (item: Item) => boolean = () => true): Item | undefined {
    const [first] = this.#waiting
    if (!first || !accept(first[1][0]!)) return undefined
    const [tenant, items] = first
    const item = items.shift()!
    this.#waiting.delete(tenant)
    if (items.length > 0) this.#waiting.set(tenant, items)
    return item
  }

  /** Takes out what `isGone`, in any place. */
  remove(isGone: (item: Item) => boolean): Item[] {
    const removed: Item[] = []
    for (const [tenant, items] of this.#waiting) {
      removed.push(...items.filter(isGone))
      const kept = items.filter(item => !isGone(item))
      if (kept.length > 0) this.#waiting.set(tenant, kept)
      else this.#waiting.delete(tenant)
    }
    return removed
  }
}
