/** What to show of the log: where to begin, and which facts. */
import type { AnyFact, FactType } from '../../events/index.ts'
import { findPeer } from '../cluster/peers.ts'
import { Names } from '../operations/names.ts'
import type { Operations } from '../operations/operations.ts'
import { momentOf } from '../operations/words.ts'
import type { Values } from './leaf.ts'
import { UsageError } from './problems.ts'
import { factTypes } from './sentences.ts'

/** What `--stream` and `--type` let through. */
export class Wanted {
  /** As they were given. */
  readonly streams: readonly string[]
  readonly #seen = new Set<string>()
  readonly #types: readonly FactType[]

  /** @throws {UsageError} */
  constructor(values: Values) {
    this.streams = values.texts('stream')
    this.#types = values.texts('type').map(typeOf)
    if (this.streams.includes('')) throw new UsageError('--stream must say of what, and is empty')
  }

  /** Those of which nothing was asked about so far, of whatever type. */
  get unseen(): readonly string[] {
    return this.streams.filter((stream) => !this.#seen.has(stream))
  }

  has({ stream, type }: Pick<AnyFact, 'stream' | 'type'>, names: Names): boolean {
    const fitting = this.streams.filter((given) => isIn(stream, given, names))
    for (const given of fitting) this.#seen.add(given)
    if (this.streams.length > 0 && fitting.length === 0) return false
    return this.#types.length === 0 || this.#types.includes(type)
  }
}

function typeOf(text: string): FactType {
  const found = factTypes.find((type) => type.toLowerCase() === text.toLowerCase())
  if (found === undefined)
    throw new UsageError(`there is no type of fact '${text}'; there are: ${factTypes.join(', ')}`)
  return found
}

/** `host`, `effects`, `network/web`, `endpoint/<id>`, or a name or an id alone. */
export function isIn(stream: string, given: string, names: Names): boolean {
  if (stream === given) return true
  const [kind = '', id = ''] = stream.split('/')
  const name = names.of(id)
  return (
    given === `${kind}/${name}` ||
    given === name ||
    given === id ||
    (given.length >= 4 && id.startsWith(given))
  )
}

/** So many commits from the end. @throws {UsageError} */
export function lastIn(values: Values): number | undefined {
  const last = values.whole('last')
  if (last !== undefined && last < 0) throw new UsageError(`--last must be a number from 0, not ${last}`)
  return last
}

/** The first commit to show, and the names that were known before it. */
export async function beginning(
  operations: Operations,
  values: Values,
  nowMs: number,
): Promise<{ readonly from: number; readonly names: Names }> {
  const names = new Names()
  const [since, last] = [values.text('since'), lastIn(values)]
  if (since === undefined && last === undefined) return { from: 1, names }
  const { seq: head } = (await operations.status()).head
  const after = last === undefined ? momentOf(since ?? '', nowMs) : Math.max(0, head - last)
  // A commit that is given is shown itself.
  const moment =
    typeof after === 'string' && after.startsWith('#') ? Math.max(0, Number(after.slice(1)) - 1) : after
  const picture = await operations.picture(moment)
  names.addPicture(picture)
  return { from: picture.seq + 1, names }
}

/** The first commit to show of a peer's log. Its names are those that its own commits tell. @throws {UsageError} */
export async function beginningAt(operations: Operations, host: string, values: Values): Promise<number> {
  const [since, last] = [values.text('since'), lastIn(values)]
  if (since !== undefined && !/^#\d{1,15}$/.test(since))
    throw new UsageError('--since takes a number with --host, as #12: times are told by that host')
  if (since !== undefined) return Math.max(1, Number(since.slice(1)))
  if (last === undefined) return 1
  const { seq } = findPeer((await operations.cluster()).peers, host)
  return Math.max(1, seq - last + 1)
}
