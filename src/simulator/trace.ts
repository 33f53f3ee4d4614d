/**
 * All that happened, in order: every port call with its outcome, every act. Two runs of one seed have the same hash; the
 * last lines say how a failure came about.
 */
import type { Hash } from '../ports.ts'

/** Lines that are kept for reading. */
const LAST_LINES = 400
/** Characters that are hashed at once. */
const CHUNK = 1 << 16

export class Trace {
  /** Every line, if somebody wants to see them all. */
  onLine: ((line: string) => void) | undefined
  readonly #atMs: () => number
  /** The time of the newest line, as it is written: many things happen at one. */
  readonly #clock = { ms: -1, text: '' }
  #digest = ''
  readonly #hash: Hash
  readonly #last: string[] = []
  #lines = 0
  #open = ''

  constructor(hash: Hash, atMs: () => number) {
    this.#hash = hash
    this.#atMs = atMs
  }

  /** @param who a host and its incarnation, `h0.2`; or `world` */
  add(who: string, what: string): void {
    const line = `${this.#now()} ${who.padEnd(6)} ${what}`
    this.#lines++
    this.#open += `${line}\n`
    if (this.#open.length > CHUNK) this.#close()
    this.#last[this.#lines % LAST_LINES] = line
    this.onLine?.(line)
  }

  /** Of all lines so far. 64 hex. */
  get hash(): string {
    this.#close()
    return this.#digest
  }

  get lines(): number {
    return this.#lines
  }

  /** The newest lines, oldest first. */
  last(count = 40): readonly string[] {
    const from = Math.max(1, this.#lines - Math.min(count, LAST_LINES) + 1)
    return Array.from({ length: this.#lines - from + 1 }, (_, i) => this.#last[(from + i) % LAST_LINES] ?? '')
  }

  #now(): string {
    const ms = this.#atMs()
    if (ms !== this.#clock.ms) Object.assign(this.#clock, { ms, text: clockOf(ms) })
    return this.#clock.text
  }

  #close(): void {
    if (this.#open !== '') this.#digest = this.#hash(this.#digest + this.#open)
    this.#open = ''
  }
}

/** `00:41:07.113`: since the world began. */
export function clockOf(ms: number): string {
  const [s, m, h] = [Math.floor(ms / 1000), Math.floor(ms / 60_000), Math.floor(ms / 3_600_000)]
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${two(h)}:${two(m % 60)}:${two(s % 60)}.${String(Math.floor(ms % 1000)).padStart(3, '0')}`
}
