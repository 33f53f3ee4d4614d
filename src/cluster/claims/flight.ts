/** Claims on their way from the servers into the log: what is not in the log yet, and not to be given up for that. */
export class Flight {
  readonly #counts = new Map<string, number>()

  has(key: string): boolean {
    return this.#counts.has(key)
  }

  /** One who claims. `landed` says whether there was anything. */
  begin(): { readonly claiming: (key: string) => void; readonly land: () => boolean } {
    const keys: string[] = []
    return {
      claiming: (key) => {
        keys.push(key)
        this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
      },
      land: () => {
        const landed = keys.splice(0)
        for (const key of landed) this.#land(key)
        return landed.length > 0
      },
    }
  }

  #land(key: string): void {
    const count = (this.#counts.get(key) ?? 1) - 1
    if (count === 0) this.#counts.delete(key)
    else this.#counts.set(key, count)
  }
}
