/** Networks of a cluster beside those of this host: what `network ls` and `inspect` tell of what other hosts made. */
import type { Ref } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import type { NetworkView } from '../../projections/index.ts'
import type { ClaimsReport } from '../cluster/claims/report.ts'
import type { ClusterNetwork } from '../cluster/claims/shared.ts'
import type { Operations } from '../operations/operations.ts'
import { matching } from '../operations/picture.ts'
import { ago } from '../operations/words.ts'
import { networkFields } from './inspect.ts'
import type { Session } from './session.ts'
import { pairs } from './table.ts'

/** What is known of the cluster's networks. */
export type Others = {
  readonly host?: string
  readonly networks: readonly ClusterNetwork[]
  readonly origin: string
  /** Why not all of them are known, in a line; absent: they are, or this host is in no cluster. */
  readonly unknown?: string
}

const NOBODY: Others = { networks: [], origin: '' }

/** Never in the way of what is local: whatever goes wrong is told in a line. */
export async function othersOf(operations: Operations): Promise<Others> {
  try {
    return othersIn(await operations.claims())
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return { ...NOBODY, unknown: `${UNKNOWN}: ${error.message}` }
  }
}

const UNKNOWN = 'networks that other hosts made are unknown just now'
const AS_BEFORE = 'networks that other hosts made are shown as they were when the servers last answered'

/** An older engine tells nothing of them. */
function othersIn({ host, networks, origin, problem, read }: Partial<ClaimsReport>): Others {
  if (host === undefined || networks === undefined || read === undefined || origin === undefined)
    return NOBODY
  const known = { host, networks, origin }
  if (read === 'all') return known
  const why =
    problem?.message ??
    'no engine here follows the cluster (chronet engine; how it stands: chronet cluster status)'
  return { ...known, unknown: `${read === 'before' ? AS_BEFORE : UNKNOWN}: ${why}` }
}

/** Those that are not used here. */
export const notHere = ({ networks }: Others): readonly ClusterNetwork[] =>
  networks.filter(({ here }) => !here)

/** Those not used here that a reference may mean. */
export const foundElsewhere = (others: Others, ref: Ref): readonly ClusterNetwork[] =>
  matching(notHere(others), ref)

/** `local`, or who made a network of all hosts. */
export function scopeOf({ claim, id }: NetworkView, { host, networks, origin }: Others): string {
  if (claim === undefined) return 'local'
  if (claim.owner === origin) return `cluster, made here${host === undefined ? '' : ` (${host})`}`
  return `cluster, made by ${makerOf(networks.find((one) => one.id === id) ?? claim)}`
}

/** The same of one that is not used here. */
export const scopeElsewhere = (network: ClusterNetwork): string =>
  `cluster, made by ${makerOf(network)}, not used here yet`

const makerOf = ({ host, owner }: { readonly host?: string; readonly owner: string }): string =>
  host ?? owner.slice(0, 12)

/** That not all of them are known: to people in a line, to programs as a warning. */
export function tellUnknown(session: Session, { unknown: message }: Others): void {
  if (message === undefined) return
  if (session.json) session.warn({ code: 'ERR_CLUSTER_UNAVAILABLE', message })
  else session.note(message)
}

/** One that is not used here, in full. */
export function tellElsewhere(session: Session, network: ClusterNetwork): void {
  if (session.json) return session.show({ kind: 'network', ...network })
  const { id, labels, name, since } = network
  session.print(
    session.paint('bold', `network ${name}`),
    ...pairs([
      ['  id', id],
      ['  scope', scopeElsewhere(network)],
      ['  claimed', ago(since, session.io.nowMs())],
      ...networkFields(network),
      [
        '  labels',
        Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(', '),
      ],
    ]),
  )
  session.note(`'chronet connect ${name} SANDBOX' takes part in it`)
}
