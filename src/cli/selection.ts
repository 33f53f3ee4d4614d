/** What to show of the log: where to begin, and which facts. */
import type { AnyFact, FactType } from '../../events/index.ts'
import { findPeer } from '../cluster/peers.ts'
import { Names } from '../operations/names.ts'
import type { Operations } from '../operations/operations.ts'
import { momentOf } from '../operations/words.ts'
import type { Values } from './leaf.ts'
import { UsageError } from './problems.ts'
import { factTypes } from './sentences.ts'

export type Wanted = (fact: AnyFact, names: Names) => boolean

/** What `--stream` and `--type` let through. @throws {UsageError} */
export function wantedBy(values: Values): Wanted {
  const streams = values.texts('stream')
  const types = values.texts('type').map(typeOf)
  return (fact, names) =>
    (types.length === 0 || types.includes(fact.type)) &&
    (streams.length === 0 || streams.some((stream) => isIn(fact.stream, stream, names)))
}

function typeOf(text: string): FactType {
  const found = factTypes.find((type) => type.toLowerCase() === text.toLowerCase())
  if (found === undefined)
    throw new UsageError(`there is no type of fact '${text}'; there are: ${factTypes.join(', ')}`)
  return found
}

/** `host`, `effects`, `network/web`, `endpoint/<id>`, or a name or an id alone. */
function isIn(stream: string, given: string, names: Names): boolean {
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

/** The first commit to show, and the names that were known before it. */
export async function beginning(
  operations: Operations,
  values: Values,
  nowMs: number,
): Promise<{ readonly from: number; readonly names: Names }> {
  const names = new Names()
  const [since, last] = [values.text('since'), values.whole('last')]
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
  const [since, last] = [values.text('since'), values.whole('last')]
  if (since !== undefined && !/^#\d{1,15}$/.test(since))
    throw new UsageError('--since takes a number with --host, as #12: times are told by that host')
  if (since !== undefined) return Math.max(1, Number(since.slice(1)))
  if (last === undefined) return 1
  const { seq } = findPeer((await operations.cluster()).peers, host)
  return Math.max(1, seq - last + 1)
}
