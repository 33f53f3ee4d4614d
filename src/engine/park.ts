/**
 * Who waits before a turn: commands that fetch or are parked hold back later ones that name the same things; all others
 * pass. A command is parked when all that stands against it is a plan that is still running (an address whose link is
 * being swept, say).
 */
import type { Command } from '../../events/index.ts'

/** How long a command waits for plans that stand in its way, from its first parking, in milliseconds. */
export const PARK_MS_MAX = 2000

/** First and longest pause before a turn is taken again that no running plan stands against, in milliseconds. */
const AGAIN_MS_FIRST = 1
const AGAIN_MS_MAX = 100

/**
 * How long to wait before the turn is taken again where the plan in its way has a receipt, and yet stands in its way: a sweep that
 * the kernel refused, say, which is intended again at growing distance. So this grows too.
 * @param tries how often the turn was taken again for that
 */
export const againMs = (tries: number): number => Math.min(AGAIN_MS_FIRST * 2 ** tries, AGAIN_MS_MAX)

export class HoldBack {
  readonly #held = new Map<string, Promise<void>>()

  /** Nobody is held back. */
  get free(): boolean {
    return this.#held.size === 0
  }

  /** How many names are held. */
  get size(): number {
    return this.#held.size
  }

  /** What an earlier command that names one of the same things still does; undefined: nothing. */
  before(names: readonly string[]): Promise<void> | undefined {
    if (this.#held.size === 0) return undefined
    const waits = names.flatMap((name) => this.#held.get(name) ?? [])
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined)
  }

  /** Holds back whoever names one of these from now on, until the returned function is called. */
  hold(names: readonly string[]): () => void {
    let release = (): void => undefined
    const mine = new Promise<void>((resolve) => {
      release = resolve
    })
    const tails = new Map(names.map((name) => [name, chain(this.#held.get(name), mine)]))
    for (const [name, tail] of tails) this.#held.set(name, tail)
    return () => {
      for (const [name, tail] of tails) if (this.#held.get(name) === tail) this.#held.delete(name)
      release()
    }
  }
}

const chain = (before: Promise<void> | undefined, mine: Promise<void>): Promise<void> =>
  before === undefined ? mine : Promise.all([before, mine]).then(() => undefined)

/** The names that a command mentions, as `kind:ref`, those that it would create included. */
export function namesIn(command: Command): readonly string[] {
  const data = command.data as Readonly<Record<string, unknown>>
  const own = command.type.split('.')[0] ?? ''
  const name = (kind: string, value: unknown): string[] =>
    typeof value === 'string' ? [`${kind}:${value}`] : []
  return [
    ...name('network', data.network),
    ...name('sandbox', data.sandbox),
    ...name('endpoint', data.endpoint),
    ...(command.type.endsWith('.create') ? name(own, data.name) : []),
  ]
}
