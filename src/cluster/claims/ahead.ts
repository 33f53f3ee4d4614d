/**
 * What would be claimed for an endpoint, where its command is only tried: taking part in a network that another host made, and the
 * block or the address that is wanting. Nothing is claimed, and no other host is asked.
 */
import type { ClaimGranted, ClientCommand } from '../../../events/index.ts'
import { ipOf } from '../../../events/index.ts'
import type { NetworkView } from '../../../projections/index.ts'
import type { Ahead } from '../../engine/claims.ts'
import { resolveNetwork } from '../../engine/resolve.ts'
import { exhausted, freeBlocks, isAsked, lacksOf, notToBeHad, refusal, type Lack } from './blocks.ts'
import { grantOf } from './grants.ts'
import type { ClaimHome } from './home.ts'
import type { Register } from './register.ts'
import type { ClaimSession } from './session.ts'
import { findShared } from './shared.ts'
import { addressKey, blockKey } from './subjects.ts'

type Network = Pick<NetworkView, 'id' | 'name' | 'subnets'>

/** @throws {RefusedError} as the command itself would, as far as that is known here @throws {EngineError} ERR_CLUSTER_UNAVAILABLE */
export function aheadOf(session: ClaimSession, home: ClaimHome, command: ClientCommand): Ahead {
  if (command.type !== 'connect' && command.type !== 'endpoint.create') return { commands: [] }
  const projections = home.decided()
  const local = resolveNetwork(projections.topology, command.data.network)
  if ('found' in local && local.found.claim === undefined) return { commands: [] }
  const shared = 'found' in local ? undefined : findShared(session.table, command.data.network)
  const network = 'found' in local ? local.found : shared && { id: shared.network, ...shared.definition }
  if (network === undefined || shared?.by === home.origin) return { commands: [] }
  const lacks = lacksOf(projections, network, command.data)
  if (shared === undefined && lacks.length === 0) return { commands: [] }
  const register = session.mustReach()
  const granted = lacks.map((lack) => grantOnTrial(register, network, lack))
  const lenders = granted.flatMap(({ cidr, lender }) =>
    cidr === undefined || lender === undefined ? [] : [`whether ${lender.host} lends ${ipOf(cidr)}`],
  )
  return {
    commands: [
      ...(shared === undefined
        ? []
        : [
            {
              data: { claim: { owner: shared.by, seq: shared.seq }, definition: shared.definition },
              type: 'network.adopt' as const,
            },
          ]),
      ...(granted.length === 0 ? [] : [{ data: { granted }, type: 'claims.record' as const }]),
    ],
    ...(lenders.length === 0 ? {} : { unknown: `${lenders.join(', ')}, which is asked only in earnest` }),
  }
}

function grantOnTrial(register: Register, network: Network, lack: Lack): ClaimGranted['data'] {
  const { asked, pool } = lack
  const { id, name } = network
  const { stream } = register.table
  const granted = { first: { seq: 0, stream }, kind: 'granted', seq: 0 } as const
  const block = asked?.block ?? freeBlocks(register, id, pool).next().value
  if (block === undefined) throw exhausted(register, network, pool)
  const key = blockKey(id, block)
  const head = register.table.head(key)
  if (asked === undefined || head === undefined || register.standing(head).state === 'free')
    return grantOf({ cidr: block, key, kind: 'block', network: id, subnet: pool.subnet }, granted, stream)
  if (!isAsked(register, head)) throw notToBeHad(register, network, { ...lack, asked }, head)
  const { address: cidr } = asked
  const lent = register.table.head(addressKey(id, cidr))
  if (lent !== undefined && lent.by !== register.origin && register.standing(lent).state !== 'free')
    throw refusal(
      'ERR_ADDRESS_TAKEN',
      pool,
      `network '${name}': ${ipOf(cidr)} lies in ${block}, which ${head.host} has, and is lent to ${lent.host}; take another address, or leave it open`,
      head,
    )
  const lender = { host: head.host, origin: head.by }
  const what = { block, cidr, key: addressKey(id, cidr), lender, network: id, subnet: pool.subnet }
  return grantOf({ ...what, kind: 'address' }, granted, stream)
}
