/** Networks of the cluster: making one. */
import type {
  AnyFact,
  Cidr,
  ClaimGranted,
  Command,
  CommandId,
  FactDraft,
  Hash,
  NetworkClaims,
  NetworkCreateRequested,
} from '../../../events/index.ts'
import { cidrFrom, overlaps, RefusedError } from '../../../events/index.ts'
import type { VniRange } from '../../drivers/index.ts'
import { grantOf, networkClaim } from './grants.ts'
import type { Definition } from './message.ts'
import type { Register } from './register.ts'
import type { ClaimSession } from './session.ts'
import { findShared } from './shared.ts'
import { networkKey, poolClaimKey } from './subjects.ts'
import type { ClaimTable, Head } from './table.ts'
import { claimVni } from './vnis.ts'

type Create = Command<'network.create'>

/** Who claims, hears of each key before, and out of which numbers the network gets one. */
type Claiming = {
  readonly by: CommandId
  readonly claiming: (key: string) => void
  readonly hash: Hash
  readonly vnis: VniRange | undefined
}

/** How often other subnets are chosen, because somebody else came first. */
const TRIES_MAX = 8

/** The pools of others that a network must keep clear of. */
const poolsTaken = (register: Register | undefined, table: ClaimTable | undefined): readonly Cidr[] =>
  (table?.heads() ?? []).flatMap((head) =>
    head.kind === 'pool' && head.cidr !== undefined && register?.standing(head).state !== 'free'
      ? [head.cidr]
      : [],
  )

/** The command as its turn is tried: nothing of it is claimed yet. */
export const asTrial = ({ data, type }: Create, session: ClaimSession | undefined): Create => ({
  data: {
    ...data,
    claims: { avoid: poolsTaken(session?.register, session?.table), granted: [], trial: true },
  },
  type,
})

/**
 * Claims the pools and the name of the network that a command would make.
 * @param trial what its turn would write
 * @param claiming hears of each key before it is claimed
 * @throws {RefusedError} ERR_EXISTS, ERR_OVERLAP: with who has it
 */
export async function claimNetwork(
  session: ClaimSession,
  command: Create,
  {
    by,
    claiming,
    hash,
    trial,
    vnis,
  }: Claiming & { readonly trial: (command: Create) => readonly FactDraft<AnyFact>[] },
): Promise<Create> {
  for (let tries = 0; ; tries++) {
    const tried = await session.within(async () => asTrial(command, session))
    const requested = trial(tried).find((fact) => fact.type === 'NetworkCreateRequested')?.data
    if (requested === undefined) return command
    const definition = definedBy(requested)
    const avoid = tried.data.claims?.avoid ?? []
    const granted = await session.within((register) =>
      claimAll(register, definition, { by, claiming, hash, vnis }),
    )
    if ('all' in granted) return withClaims(command, { avoid, granted: granted.all })
    const isAsked = (command.data.subnets ?? []).some(({ subnet }) => touches(subnet as Cidr, granted))
    if (isAsked || tries >= TRIES_MAX) throw overlapping(definition, granted, session.table)
  }
}

const withClaims = (command: Create, claims: NetworkClaims): Create => ({
  data: { ...command.data, claims },
  type: command.type,
})

/** The grants; or the pool that is in the way. */
async function claimAll(
  register: Register,
  definition: Definition,
  { by, claiming, hash, vnis }: Claiming,
): Promise<Head | { readonly all: readonly ClaimGranted['data'][] }> {
  const { name, network, subnets } = definition
  const { stream } = register.table
  const key = networkKey(hash, name)
  const standing = register.standing(register.table.head(key))
  const held = register.table.head(key)
  if (
    held !== undefined &&
    standing.state !== 'free' &&
    !(held.by === register.origin && held.network === network)
  )
    throw nameTaken(register, definition, held)
  const cidrs = subnets.map(({ subnet }) => subnet)
  for (const each of [key, ...cidrs.map(poolClaimKey)]) claiming(each)
  const pools = await register.claimPools(by, network, cidrs)
  const all: ClaimGranted['data'][] = []
  for (const [i, claimed] of pools.entries()) {
    const cidr = cidrs[i]
    if (claimed.kind === 'taken') return claimed.head
    if (cidr !== undefined)
      all.push(grantOf({ cidr, key: poolClaimKey(cidr), kind: 'pool', network }, claimed, stream))
  }
  const numbered = vnis && (await claimVni(register, definition, vnis, { by, claiming }))
  if (numbered !== undefined) all.push(numbered)
  const defined = { ...definition, ...(numbered?.vni === undefined ? {} : { vni: numbered.vni }) }
  const named = await register.claim(key, by, networkClaim(register.said(), defined))
  if (named.kind === 'taken') throw nameTaken(register, definition, named.head)
  return { all: [grantOf({ key, kind: 'network', name, network }, named, stream), ...all] }
}

function definedBy({
  bridge: _here,
  claim: _trial,
  plan: _own,
  ...definition
}: NetworkCreateRequested['data']): Definition {
  return definition
}

function nameTaken(register: Register, { name }: Definition, head: Head): RefusedError {
  const standing = register.standing(head)
  const why =
    standing.state === 'resting'
      ? `was given up by ${head.host} and rests until ${standing.until}; take another name, or wait`
      : `exists already in the cluster: ${head.by === register.origin ? 'this host' : head.host} made it (${head.network.slice(0, 12)}); take another name, or use that one`
  return new RefusedError([
    { code: 'ERR_EXISTS', field: 'name', holder: head.network, message: `network '${name}' ${why}` },
  ])
}

const touches = (subnet: Cidr, { cidr }: Head): boolean =>
  cidr !== undefined && overlaps(cidrFrom(subnet), cidrFrom(cidr))

function overlapping({ name }: Definition, head: Head, table: ClaimTable | undefined): RefusedError {
  const { cidr = 'a pool', host, network, restsUntil } = head
  const named = findShared(table, network)
  const whose = named === undefined ? `network ${network.slice(0, 12)}` : `network '${named.name}'`
  const has =
    restsUntil === undefined
      ? `${whose} of ${host} has`
      : `${host} gave up and which rests until ${restsUntil}`
  const message = `network '${name}': its subnet overlaps ${cidr}, which ${has}; take another subnet`
  return new RefusedError([{ code: 'ERR_OVERLAP', field: 'subnets', holder: network, message }])
}
