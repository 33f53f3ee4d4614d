/**
 * Order between jobs that touch the same things. A job takes the lanes of the resources it writes alone, and shares the
 * lanes of those it only needs; who came first goes first, on every lane. Jobs with nothing in common never wait for
 * each other.
 */
import type { ResourceKey, Step } from '../../events/index.ts'
import { needsOf, providesOf } from '../../events/index.ts'

/** One job's place on one lane. */
type Entry = { readonly id: number; readonly tail: Promise<void>; readonly writer: boolean }

/** What a job holds until it says that it is done. */
export type Place = {
  /** Settles when all who came before on these lanes are done; undefined: nobody did. */
  readonly ready: Promise<void> | undefined
  readonly leave: () => void
}

export class Lanes {
  readonly #lanes = new Map<ResourceKey, Entry[]>()
  #ids = 0

  /** Keys that nobody holds are not remembered. */
  get size(): number {
    return this.#lanes.size
  }

  enter(steps: readonly Step[]): Place {
    const { reads, writes } = keysOfSteps(steps)
    const id = ++this.#ids
    let release = (): void => undefined
    const tail = new Promise<void>((resolve) => {
      release = resolve
    })
    const before = new Set<Promise<void>>()
    for (const key of writes) this.#queue(key, { id, tail, writer: true }, before)
    for (const key of reads) this.#queue(key, { id, tail, writer: false }, before)
    return {
      leave: () => {
        for (const key of [...writes, ...reads]) this.#drop(key, id)
        release()
      },
      ready: before.size === 0 ? undefined : Promise.all(before).then(() => undefined),
    }
  }

  #queue(key: ResourceKey, mine: Entry, before: Set<Promise<void>>): void {
    const queue = this.#lanes.get(key)
    if (queue === undefined) {
      this.#lanes.set(key, [mine])
      return
    }
    for (const other of queue) if (mine.writer || other.writer) before.add(other.tail)
    queue.push(mine)
  }

  #drop(key: ResourceKey, id: number): void {
    const rest = this.#lanes.get(key)?.filter((entry) => entry.id !== id) ?? []
    if (rest.length === 0) this.#lanes.delete(key)
    else this.#lanes.set(key, rest)
  }
}

function keysOfSteps(steps: readonly Step[]): {
  reads: ReadonlySet<ResourceKey>
  writes: ReadonlySet<ResourceKey>
} {
  const writes = new Set<ResourceKey>()
  const reads = new Set<ResourceKey>()
  for (const step of steps) {
    writes.add(step.key)
    for (const key of providesOf(step.spec)) writes.add(key)
    if (step.op === 'remove') for (const key of step.takes) writes.add(key)
  }
  for (const step of steps) for (const key of needsOf(step.spec)) if (!writes.has(key)) reads.add(key)
  return { reads, writes }
}
