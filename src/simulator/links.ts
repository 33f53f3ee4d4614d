/** The links between hosts and the servers of a simulated cluster: each is cut and healed by itself, one way or both. */

/** `here`: from the servers to the host; `there`: to the servers. */
export type Way = 'here' | 'there'

const BOTH: readonly Way[] = ['here', 'there']

export class Links {
  /** The servers are gone: every link is as if it were cut. */
  isDown = false
  readonly #cut = new Map<string, ReadonlySet<Way>>()
  readonly #onBack: (host: string) => void
  readonly #slow = new Map<string, number>()
  readonly #usualMs: (host: string) => number

  /** @param onBack hears of links that were cut and are not any more */
  constructor(usualMs: (host: string) => number, onBack: (host: string) => void) {
    this.#onBack = onBack
    this.#usualMs = usualMs
  }

  /** @param way absent: both */
  cut(host: string, way?: Way): void {
    const before = this.#cut.get(host) ?? []
    this.#cut.set(host, new Set([...before, ...(way === undefined ? BOTH : [way])]))
  }

  heal(host: string): void {
    if (this.#cut.delete(host)) this.#onBack(host)
  }

  /** @param way absent: any */
  isCut(host: string, way?: Way): boolean {
    const cut = this.#cut.get(host)
    return this.isDown || (cut !== undefined && (way === undefined || cut.has(way)))
  }

  /** What goes over it takes so much longer each way; 0: as usual. */
  slow(host: string, byMs: number): void {
    this.#slow.set(host, byMs)
  }

  latencyMs(host: string): number {
    return this.#usualMs(host) + (this.#slow.get(host) ?? 0)
  }

  /** All are whole and fast. */
  mend(): void {
    this.#slow.clear()
    for (const host of [...this.#cut.keys()]) this.heal(host)
  }
}
