/**
 * What a client may call: the edge at which the methods of `Operations` are reached from outside. Commands themselves are checked
 * by the controller, as everybody's.
 */
import type { ClientCommand } from '../../events/index.ts'
import { RefusedError } from '../../events/index.ts'
import type { Given, HistoryRange, Moment, Operations, Range } from '../operations/operations.ts'
import { Checked, commandId, commitNumber, flag, moment, text, uid } from './arguments.ts'
import type { Peer } from './peer.ts'
import { isObject } from './protocol.ts'

/** Who calls: what the kernel said of the process; undefined where it says nothing (no Linux). */
export type Caller = { readonly peer: Peer | undefined }
export type Arguments = readonly unknown[]

/** One value, or a stream of values. */
export type Outcome = Promise<unknown> | AsyncIterable<unknown>
type Call = (operations: Operations, given: Arguments, caller: Caller) => Outcome

/** By name. `close` is not among them: a client lets go of its connection. */
export const CALLS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['claims', (to) => to.claims()],
  ['cluster', (to) => to.cluster()],
  ['commits', (to, [range]) => to.commits(rangeOf(range))],
  ['dispatch', (to, [command, how], caller) => to.dispatch(commandOf(command), givenOf(how, caller))],
  ['heal', (to, [how], caller) => to.heal(givenOf(how ?? {}, caller))],
  ['history', (to, [range]) => to.history(historyRangeOf(range))],
  ['known', (to, [at]) => to.known(momentOf(at))],
  ['picture', (to, [at, host]) => to.picture(momentOf(at), hostOf(host))],
  ['plan', (to) => to.plan()],
  ['preview', (to, [command, how], caller) => to.preview(commandOf(command), givenOf(how, caller))],
  ['status', (to) => to.status()],
  ['trace', (to, [ref, host]) => to.trace(refOf(ref), hostOf(host))],
  ['verify', (to) => to.verify()],
])

/** @throws {RefusedError} ERR_INVALID: no such method, or its arguments are none */
export function call(operations: Operations, method: string, given: Arguments, caller: Caller): Outcome {
  const found = CALLS.get(method)
  if (found !== undefined) return found(operations, given, caller)
  const names = [...CALLS.keys()].join(', ')
  const message = `there is no method '${method.slice(0, 64)}'; there are ${names}`
  throw new RefusedError([{ code: 'ERR_INVALID', field: 'method', message }])
}

function commandOf(given: unknown): ClientCommand {
  const checked = new Checked()
  const { data, type } = checked.fields('command', given, {
    data: (value) => (isObject(value) ? undefined : 'must be an object'),
    type: text,
  })
  checked.value('command', given, () =>
    data === undefined || type === undefined ? 'must be { data, type }' : undefined,
  )
  checked.done()
  return { data, type } as unknown as ClientCommand
}

/** Who asks is what the kernel says; the client says what it claims of itself. Keys in the order of the canonical form. */
function givenOf(given: unknown, { peer }: Caller): Given {
  const checked = new Checked()
  const how = checked.fields('given', given, { id: commandId, reason: text })
  const claims = isObject(given) && isObject(given.actor) ? (given.actor.claimed ?? {}) : {}
  const claimed = checked.fields('claimed', claims, { name: text, sudoUid: uid, sudoUser: text })
  checked.done()
  return {
    actor: {
      ...(Object.keys(claimed).length === 0 ? {} : { claimed }),
      kind: 'socket',
      ...(peer === undefined ? {} : { verified: peer }),
    },
    ...how,
  }
}

function rangeOf(given: unknown): Range {
  const checked = new Checked()
  const range = checked.fields('range', given ?? {}, {
    follow: flag,
    from: commitNumber,
    host: text,
    stored: flag,
    to: commitNumber,
  })
  checked.done()
  return range
}

function historyRangeOf(given: unknown): HistoryRange {
  const checked = new Checked()
  const range = checked.fields('range', given ?? {}, { arrival: flag, follow: flag, from: commitNumber })
  checked.done()
  return range
}

function hostOf(given: unknown): string | undefined {
  if (given === undefined || given === null) return undefined
  const checked = new Checked()
  checked.value('host', given, text)
  checked.done()
  return given as string
}

function momentOf(given: unknown): Moment | undefined {
  if (given === undefined || given === null) return undefined
  const checked = new Checked()
  checked.value('moment', given, moment)
  checked.done()
  return given as Moment
}

function refOf(given: unknown): string {
  const checked = new Checked()
  checked.value('ref', given, text)
  checked.done()
  return given as string
}
