/** Commands for this host alone that mean, or would take the name of, a network of the cluster which is not used here. */
import type { ClientCommand, Hash } from '../../../events/index.ts'
import { RefusedError } from '../../../events/index.ts'
import { resolveNetwork } from '../../engine/resolve.ts'
import type { ClaimHome } from './home.ts'
import { findShared, isShared, type SharedNetwork } from './shared.ts'
import { networkKey } from './subjects.ts'
import type { ClaimTable } from './table.ts'

/** The network of the cluster that stands in a command's way; undefined: none that is known here does. */
export function elsewhere(
  command: ClientCommand,
  table: ClaimTable | undefined,
  home: Pick<ClaimHome, 'decided' | 'drivers' | 'origin' | 'ports'>,
): SharedNetwork | undefined {
  const found = meant(command, table, home)
  if (found === undefined || found.by === home.origin) return undefined
  return home.decided().topology.networks.has(found.network) ? undefined : found
}

function meant(
  command: ClientCommand,
  table: ClaimTable | undefined,
  { decided, drivers, ports }: Pick<ClaimHome, 'decided' | 'drivers' | 'ports'>,
): SharedNetwork | undefined {
  if (command.type === 'network.create')
    return drivers.get(command.data.driver)?.scope === 'cluster'
      ? undefined
      : sharedNamed(table, ports.hash, command.data.name)
  if (command.type !== 'network.delete') return undefined
  return 'found' in resolveNetwork(decided().topology, command.data.network)
    ? undefined
    : findShared(table, command.data.network)
}

/** Why it stands in the way. */
export const inTheWay = ({ type }: ClientCommand, shared: SharedNetwork): RefusedError =>
  type === 'network.create' ? nameIsShared(shared) : notUsedHere(shared)

/** A network of the cluster by its name alone. */
function sharedNamed(table: ClaimTable | undefined, hash: Hash, name: string): SharedNetwork | undefined {
  const head = table?.head(networkKey(hash, name))
  return head !== undefined && isShared(head) ? head : undefined
}

/**
 * A network of this host alone must not be called as one of the cluster: nobody could say which is meant, and this host could not
 * take part in that one.
 */
const nameIsShared = ({ host, name = '', network }: SharedNetwork): RefusedError =>
  new RefusedError([
    {
      code: 'ERR_EXISTS',
      field: 'name',
      holder: network,
      message: `network '${name}' is one of the cluster: ${host} made it (${network.slice(0, 12)}); take another name, or use that one ('chronet connect ${name} SANDBOX')`,
    },
  ])

/** What is not used here can only be ended where it was made. */
const notUsedHere = ({ host, name = '', network }: SharedNetwork): RefusedError =>
  new RefusedError([
    {
      code: 'ERR_NOT_FOUND',
      field: 'network',
      holder: network,
      message: `network '${name}' is not used on this host: ${host} made it; there it is ended for all ('chronet network rm ${name}')`,
    },
  ])
