/** Addresses for services: one of a part of a pool that no host gives out of, claimed by whoever makes the service. */
import type { ClaimGranted, Cidr, Command, CommandId } from '../../../events/index.ts'
import { cidrFrom, contains, formatIp, parseIp, RefusedError } from '../../../events/index.ts'
import type { NetworkView } from '../../../projections/index.ts'
import { oneOf, vipsOf } from '../../ipam/index.ts'
import { refusal, sharesOf } from './blocks.ts'
import { grantOf, vipClaim } from './grants.ts'
import type { Register } from './register.ts'
import { vipKey } from './subjects.ts'

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
  const other = vipsIn(register, id).find((head) => head.name === data.name && head.restsUntil === undefined)
  if (other !== undefined && other.by !== register.origin)
    throw new RefusedError([
      {
        code: 'ERR_EXISTS',
        field: 'name',
        holder: other.by,
        message: `service '${data.name}' has ${other.cidr ?? 'an address'} on network '${name}' already, held by ${other.host}; take another name`,
      },
    ])
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
