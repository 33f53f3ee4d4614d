/** What may be done with a thing that somebody claimed, and who has it if two believe to. Pure, and so the same on every host. */
import type { Instant, Origin } from '../../../events/index.ts'
import type { First } from './message.ts'
import type { ClaimTable, Head } from './table.ts'

/**
 * `free`: it may be claimed. `frozen`: its host was evicted, and nobody has confirmed that it is dead;
 * or another host still has an address out of it. `held`: somebody has it.
 * `resting`: it, or an address out of it, was given up not long ago, and others may still remember who had it.
 */
export type Standing =
  { readonly state: 'free' | 'frozen' | 'held' } | { readonly state: 'resting'; readonly until: Instant }

/** A table that can tell of hosts, and of what is lent out of blocks. */
type Hosts = Pick<ClaimTable, 'host' | 'loansOf'>

export function standingOf(head: Head | undefined, hosts: Hosts, nowMs: number): Standing {
  if (head === undefined || head.asked === 'refused') return { state: 'free' }
  const until = endOf(head, hosts)
  if (until === undefined) return { state: hosts.host(head.by)?.state === 'evicted' ? 'frozen' : 'held' }
  if (Date.parse(until) > nowMs) return { state: 'resting', until }
  return standingOfLoans(hosts.loansOf(head.key).map((loan) => standingOf(loan, hosts, nowMs)))
}

/** Whether somebody has it, put out of the cluster or not: the servers know it, it was not given up, and its host is not dead. */
export const isHeld = (head: Head | undefined, hosts: Pick<Hosts, 'host'>): head is Head =>
  head !== undefined && endOf(head, hosts) === undefined

/** Until when what nobody has any more rests, or has rested. */
const endOf = (head: Head, hosts: Pick<Hosts, 'host'>): Instant | undefined =>
  head.restsUntil ?? restOfTheDead(head, hosts)

/** Of a block that nobody has. Whoever claims it gives all of it: what its owner lent of it must be back, and have rested. */
function standingOfLoans(loans: readonly Standing[]): Standing {
  if (loans.some(({ state }) => state === 'frozen' || state === 'held')) return { state: 'frozen' }
  const resting = loans.filter((loan) => loan.state === 'resting')
  return resting.reduce<Standing>(
    (last, loan) => (last.state === 'resting' && last.until >= loan.until ? last : loan),
    { state: 'free' },
  )
}

/**
 * Blocks and addresses that a host had when it was confirmed dead rest from then on. What it claimed after it came back is its own,
 * and its networks and pools stay: others may be on them.
 */
function restOfTheDead({ by, kind, seq }: Head, hosts: Pick<Hosts, 'host'>): Instant | undefined {
  if (kind !== 'block' && kind !== 'address') return undefined
  const host = hosts.host(by)
  return host?.state === 'dead' && seq < host.seq ? host.restsUntil : undefined
}

/** A grant, by what decides between two of them. */
export type Grantee = { readonly by: Origin; readonly first: First }

/** Whether the one has it where two were told that they do: who was told so first, by the older stream, and else the lower id. */
export function comesFirst(a: Grantee, b: Grantee): boolean {
  if (a.first.stream !== b.first.stream) return a.first.stream < b.first.stream
  if (a.first.seq !== b.first.seq) return a.first.seq < b.first.seq
  return a.by < b.by
}
