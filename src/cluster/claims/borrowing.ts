/**
 * An address in the block of another host, for an endpoint of this one: the owner is asked for it, on a subject of the address's own,
 * and has a second to answer. It is used once the owner has it in its log, and then this host in its own.
 */
import type { ClaimGranted, CommandId } from '../../../events/index.ts'
import { ipOf } from '../../../events/index.ts'
import type { NetworkView } from '../../../projections/index.ts'
import { refusal, type Lack } from './blocks.ts'
import { addressClaim, grantOf } from './grants.ts'
import type { AddressClaim } from './message.ts'
import type { Register } from './register.ts'
import type { ClaimSession } from './session.ts'
import { addressKey } from './subjects.ts'
import type { Head } from './table.ts'

/** How long another host may take to answer, in milliseconds. */
export const ANSWER_MS = 1000

/**
 * The grant of the address.
 * @param owner the claim of the block
 * @throws {RefusedError} ERR_ADDRESS_TAKEN: the owner says why; ERR_CLUSTER_UNAVAILABLE: it does not answer; both with who it is
 */
export async function borrow(
  session: ClaimSession,
  network: Pick<NetworkView, 'id' | 'name'>,
  { asked, pool }: Lack & { readonly asked: NonNullable<Lack['asked']> },
  {
    by,
    claiming,
    owner,
  }: { readonly by: CommandId; readonly claiming: (key: string) => void; readonly owner: Head },
): Promise<ClaimGranted['data']> {
  const { address: cidr, block } = asked
  const key = addressKey(network.id, cidr)
  claiming(key)
  const lender = { host: owner.host, origin: owner.by }
  const what = { block, cidr, lender, network: network.id, subnet: pool.subnet }
  const seq = await session.within((register) => ask(register, key, what, by))
  const answer = seq === undefined ? session.table?.head(key) : await session.newer(key, seq, ANSWER_MS)
  const named = `network '${network.name}': ${ipOf(cidr)} lies in ${block}, which ${owner.host} has`
  const advice = 'take another address, or leave it open'
  if (answer === undefined) {
    // If it was lent all the same, nobody here has used it.
    await session.within((register) => register.release(key, `unanswered ${seq}`, 0))
    const silent = `${named}, and ${owner.host} does not answer; ask again when it is back, ${advice}`
    throw refusal('ERR_CLUSTER_UNAVAILABLE', pool, silent, owner)
  }
  if (answer.by === session.origin && answer.asked === 'lent')
    return grantOf(
      { ...what, key, kind: 'address' },
      { ...answer, kind: 'granted' },
      session.table?.stream ?? '',
    )
  const { restsUntil } = answer
  const taken = restsUntil === undefined ? 'has it' : `gave it back, and it rests until ${restsUntil}`
  // Whoever has the block gives the same advice as we.
  const why = answer.why?.replace(/; take another[^;]*$/, '') ?? `${answer.host} ${taken}`
  throw refusal('ERR_ADDRESS_TAKEN', pool, `${named} and does not lend: ${why}; ${advice}`, owner)
}

/** @returns the message that asks; undefined: there is nothing to ask, it is lent */
async function ask(
  register: Register,
  key: string,
  what: Omit<AddressClaim, 'to' | keyof ReturnType<Register['said']> | 'kind' | 'state'>,
  by: CommandId,
): Promise<number | undefined> {
  const head = register.table.head(key)
  const isOurs = head?.by === register.origin && head.restsUntil === undefined
  if (isOurs) return head.asked === 'asked' ? head.seq : undefined
  const after = head === undefined ? {} : { after: { by: head.by, seq: head.seq } }
  // What it gave back itself need not rest for it.
  const isBack = head?.by === register.origin
  const claim = addressClaim(register.said(), { ...what, to: register.self }, 'asked', after)
  const claimed = await register.claim(key, by, claim, isBack)
  return claimed.kind === 'granted' ? claimed.seq : undefined
}
