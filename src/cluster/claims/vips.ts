/** Addresses for services: one of a part of a pool that no host gives out of, claimed by whoever makes the service. */
import type { ClaimGranted, Cidr, Command, CommandId } from '../../../events/index.ts'
import { cidrFrom, contains, formatIp, parseIp, RefusedError } from '../../../events/index.ts'
import type { NetworkView } from '../../../projections/index.ts'
import { oneOf, vipsOf } from '../../ipam/index.ts'
import { refusal, sharesOf } from './blocks.ts'
import { grantOf, vipClaim } from './grants.ts'
import type { Register } from './register.ts'
import type { ClaimSession } from './session.ts'
import { comesFirst } from './standing.ts'
import { vipKey } from './subjects.ts'
import type { Head } from './table.ts'

type Create = Command<'vip.create'>

/** An address that could be claimed. */
type Candidate = { readonly cidr: Cidr; readonly key: string; readonly subnet: Cidr }

/** A network, as far as its addresses for services need it. */
type Served = Pick<NetworkView, 'id' | 'name' | 'subnets'>

/**
 * The command with its grant.
 * @param claiming hears of each key before it is claimed
 * @throws {RefusedError} ERR_ADDRESS_INVALID, ERR_ADDRESS_TAKEN, ERR_ADDRESS_EXHAUSTED, ERR_EXISTS
 */
export async function claimVip(
  register: Register,
  network: Served,
  command: Create,
  { by, claiming }: { readonly by: CommandId; readonly claiming: (key: string) => void },
): Promise<Create> {
  const { name } = command.data
  for (const what of candidates(register, network, command)) {
    const { key } = what
    claiming(key)
    const claimed = await register.claim(
      key,
      by,
      vipClaim(register.said(), { ...what, name, network: network.id }),
    )
    if (claimed.kind === 'granted')
      return withGrant(command, grantOf(vipOf(what, network, name), claimed, register.table.stream))
  }
  throw taken(register, network, command)
}

/**
 * Of two hosts that claim addresses for one service at once, the first has the name: all claims stand in one order, and each of the two
 * reads it as far as its own. Nobody has used the other one's address: it is given up.
 * @throws {RefusedError} ERR_EXISTS: with who has it
 */
export async function mustBeFirst(
  session: ClaimSession,
  { id, name: network }: Served,
  { data: { grant, name } }: Create,
  by: CommandId,
): Promise<void> {
  if (grant === undefined) return
  await session.read(grant.seq)
  await session.within(async (register) => {
    const ours = { by: register.origin, first: grant.first }
    const other = othersOf(register, id, name).find((head) => comesFirst(head, ours))
    if (other === undefined) return
    await register.release(grant.key, by, 0)
    throw nameTaken(other, network, name)
  })
}

/** The command as its turn is tried: with the address that it would get, as far as is known. */
export function vipOnTrial(register: Register, network: Served, command: Create): Create {
  const { name } = command.data
  const [what] = candidates(register, network, command)
  if (what === undefined) throw taken(register, network, command)
  const place = { seq: 0, stream: register.table.stream }
  const granted = { first: place, kind: 'granted', seq: 0 } as const
  return withGrant(command, grantOf(vipOf(what, network, name), granted, place.stream))
}

const vipOf = (what: Candidate, { id }: Served, name: string) => ({
  ...what,
  kind: 'vip' as const,
  name,
  network: id,
})

const withGrant = ({ data, type }: Create, grant: ClaimGranted['data']): Create => ({
  data: { ...data, grant },
  type,
})

/** What could be claimed, the next one first. */
function candidates(
  register: Register,
  { id, name, subnets }: Served,
  { data }: Create,
): readonly Candidate[] {
  const [other] = othersOf(register, id, data.name)
  if (other !== undefined) throw nameTaken(other, name, data.name)
  const all = subnets.flatMap((pool) =>
    vipsOf(pool).map((cidr) => ({ cidr, key: vipKey(id, cidr), subnet: pool.subnet })),
  )
  if (data.address === undefined) {
    const { subnet } = subnets[0] ?? {}
    return all.filter(({ key, subnet: of }) => {
      const head = register.table.head(key)
      // One that was claimed for it before is known again by whoever claims it.
      const isKnown = head?.by === register.origin && head.name === data.name
      return of === subnet && (isKnown || register.standing(head).state === 'free')
    })
  }
  const parsed = parseIp(data.address)
  const asked = parsed.ok ? all.filter(({ cidr }) => cidr === oneOf(formatIp(parsed.value))) : []
  if (asked.length === 0) throw notKept(name, data.address, subnets)
  return asked
}

const vipsIn = (register: Register, network: string) =>
  register.table.heads().filter(({ kind, network: of }) => kind === 'vip' && of === network)

/** What other hosts hold for a service. */
const othersOf = (register: Register, network: string, service: string): readonly Head[] =>
  vipsIn(register, network).filter(
    ({ by, name, restsUntil }) => name === service && restsUntil === undefined && by !== register.origin,
  )

const nameTaken = ({ by, cidr, host }: Head, network: string, service: string): RefusedError =>
  new RefusedError([
    {
      code: 'ERR_EXISTS',
      field: 'name',
      holder: by,
      message: `service '${service}' has ${cidr ?? 'an address'} on network '${network}' already, held by ${host}; take another name`,
    },
  ])

function taken(register: Register, { id, name, subnets }: Served, { data }: Create): RefusedError {
  const pool = subnets[0] as NonNullable<(typeof subnets)[0]>
  const held = vipsIn(register, id)
  if (data.address === undefined) {
    const count = vipsOf(pool).length
    const why =
      count === 0
        ? 'its pool is too small to keep some'
        : `all ${count} are held: ${sharesOf(register, held)}`
    return refusal('ERR_ADDRESS_EXHAUSTED', pool, `network '${name}' has no address for a service: ${why}`)
  }
  const head = held.find(({ cidr }) => cidr?.startsWith(`${data.address}/`))
  const standing = register.standing(head)
  const who =
    standing.state === 'resting'
      ? `rests until ${standing.until}`
      : `is held by ${head?.host} for '${head?.name}'`
  return refusal(
    'ERR_ADDRESS_TAKEN',
    pool,
    `address ${data.address} of network '${name}' ${who}; take another, or leave it open`,
    head,
  )
}

function notKept(name: string, address: string, subnets: Served['subnets']): RefusedError {
  const kept = subnets.map((pool) => vipsOf(pool)).filter((all) => all.length > 0)
  const ranges = kept.map((all) => `${all[0]?.split('/')[0]} to ${all.at(-1)?.split('/')[0]}`)
  const within = subnets.find((pool) => {
    const parsed = parseIp(address)
    return parsed.ok && contains(cidrFrom(pool.subnet), parsed.value)
  })
  const why =
    within === undefined ? 'it is none of the network' : 'it is not among those that are kept for services'
  return new RefusedError([
    {
      code: 'ERR_ADDRESS_INVALID',
      field: 'address',
      message: `address ${address} on network '${name}': ${why} (${ranges.join(', ') || 'none are'}); take another, or leave it open`,
    },
  ])
}
