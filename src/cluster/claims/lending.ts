/**
 * Addresses of this host's blocks that other hosts have. One is lent when another host asks for it: by this host's log alone, which
 * holds it from then on as it holds what an endpoint has, and then the other host is told. So whatever becomes of messages and
 * processes, nobody here is given what somebody there may have.
 *
 * It is taken back when the other host said that it has done with it, and it has rested; and when that host was confirmed dead.
 */
import type { AddressReturned, Cidr } from '../../../events/index.ts'
import { RefusedError, cidrFrom, contains, ipOf } from '../../../events/index.ts'
import { ownBlocks, type Loan } from '../../../projections/index.ts'
import { oneOf } from '../../ipam/index.ts'
import { addressClaim, type AskedAddress } from './grants.ts'
import type { ClaimHome } from './home.ts'
import type { AddressClaim } from './message.ts'
import type { Register } from './register.ts'
import type { ClaimSession } from './session.ts'
import { subjectOf } from './subjects.ts'
import type { Head } from './table.ts'

/** What is to be done about a loan. `tell`: the one who has it hears (again) that it has. */
type Due = 'nothing' | 'return' | 'tell'

export class Lender {
  readonly #home: ClaimHome

  constructor(home: ClaimHome) {
    this.#home = home
  }

  /** Takes back what was returned, and answers who asks. */
  async round(session: ClaimSession): Promise<void> {
    for (const loan of this.#lent.values()) await this.#follow(session, loan)
    for (const head of session.table?.heads() ?? [])
      if (this.#isAsked(session, head)) await this.#answer(session, head)
  }

  #isAsked({ register }: ClaimSession, head: Head): boolean {
    const isOpen = head.asked === 'asked' && head.lender?.origin === this.#home.origin
    return isOpen && register?.standing(head).state === 'held'
  }

  async #follow(session: ClaimSession, loan: Loan): Promise<void> {
    const { register } = session
    if (register === undefined) return
    const head = register.table.head(loan.key)
    switch (dueOf(loan, head, register)) {
      case 'nothing':
        return
      case 'return': {
        const { address, key, network, to } = loan
        const returned: AddressReturned['data'] = { address, key, network, to }
        return this.#home.own('claims.record', { returned: [returned] })
      }
      case 'tell':
        return this.#tell(session, loan.key, this.#asLent(loan, register), 'lent')
    }
  }

  /** A loan as it was asked for, by what the log has. */
  #asLent({ address, host, network, to }: Loan, register: Register): AskedAddress {
    const { claims, topology } = this.#home.decided()
    const at = cidrFrom(address)
    const has = (cidr: Cidr): boolean => contains(cidrFrom(cidr), at.address)
    const subnet = topology.networks.get(network)?.subnets.find((pool) => has(pool.subnet))?.subnet
    const block = subnet && ownBlocks(claims, network, subnet).find(has)
    const cidr = oneOf(ipOf(address))
    return {
      block: block ?? cidr,
      cidr,
      lender: register.self,
      network,
      subnet: subnet ?? cidr,
      to: { host, origin: to },
    }
  }

  async #answer(session: ClaimSession, head: Head): Promise<void> {
    const asked = askedIn(session, head)
    if (asked === undefined) return
    const { key, network, seq } = head
    const known = this.#lent.get(key)
    if (known !== undefined && known.to !== head.by)
      return this.#refuse(session, head, `${known.host} has it`)
    try {
      const address = ipOf(asked.cidr)
      const { host, origin: to } = asked.to
      const stream = session.table?.stream ?? ''
      if (known === undefined)
        await this.#home.own('address.lend', { address, host, key, network, seq, stream, to })
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
      return this.#refuse(session, head, error.problems.map(({ message }) => message).join('; '))
    }
    // Between two lives of the store nothing is written.
    if (this.#lent.get(key)?.to === head.by) await this.#tell(session, key, asked, 'lent', { behind: seq })
  }

  async #refuse(session: ClaimSession, head: Head, why: string): Promise<void> {
    const asked = askedIn(session, head)
    if (asked !== undefined) await this.#tell(session, head.key, asked, 'refused', { behind: head.seq, why })
  }

  async #tell(
    session: ClaimSession,
    key: string,
    asked: AskedAddress,
    state: 'lent' | 'refused',
    { behind, why }: { readonly behind?: number; readonly why?: string } = {},
  ): Promise<void> {
    await session.within(async (register) => {
      const said = register.said()
      const more = why === undefined ? {} : { restsUntil: said.at, why }
      const seen = behind ?? register.table.last(subjectOf(key))?.seq ?? 0
      return register.tellAddress(key, `${state} ${seen}`, addressClaim(said, asked, state, more), seen)
    })
  }

  get #lent() {
    return this.#home.decided().claims.lent
  }
}

/** What a loan's last message means, of a stream that may have lost what came before or after. */
function dueOf({ seq, stream, to }: Loan, head: Head | undefined, register: Register): Due {
  if (head === undefined) return 'tell'
  const isSince = (of: number): boolean => of > seq || register.table.stream !== stream
  if (!isSince(head.seq)) return 'tell'
  if (head.by !== to) {
    if (head.asked !== 'asked') return head.restsUntil === undefined ? 'nothing' : 'tell'
    // Who asks now says that it was given back, and when.
    return head.after?.by === to && isSince(head.after.seq) ? 'return' : 'nothing'
  }
  if (head.asked === 'asked') return 'tell'
  return register.standing(head).state === 'free' ? 'return' : 'nothing'
}

/** What the newest message of an address asks for; undefined: there is another one meanwhile. */
function askedIn({ table }: ClaimSession, { key, seq }: Head): AddressClaim | undefined {
  const last = table?.last(subjectOf(key))
  return last?.seq === seq && last.body?.kind === 'address' ? last.body : undefined
}
