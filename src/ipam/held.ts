/** Reading holds: whether only a sweep still has a thing, and how messages call a holder. */
import type { PlanId, Stream } from '../../events/index.ts'
import { sweepOf, type Allocations, type Hold } from '../../projections/index.ts'

/** Things that are held, by the names of their tables in {@link Allocations}. */
export type HeldTable = 'addresses' | 'ifNames' | 'macs' | 'subnets'

/**
 * The plan whose receipt frees a thing: a sweep under way has it, and no living owner. Undefined if somebody has it for
 * good, and while a failed sweep waits to be intended again: then nothing is under way that could be waited for.
 */
export function freedBy(allocations: Allocations, table: HeldTable, key: string): PlanId | undefined {
  const hold = allocations[table].get(key)
  return hold && sweepOf(allocations, hold, { key, table })
}

/** The id in an entity's stream. */
export const idOf = (stream: Stream): string => stream.slice(stream.indexOf('/') + 1)

/** `endpoint 0123456789ab`: as messages name a holder, in front of what people call it. */
export const holderName = ({ holder }: Hold): string =>
  `${holder.slice(0, holder.indexOf('/'))} ${idOf(holder).slice(0, 12)}`

/** The fields of a problem about a thing that is held. */
export const heldFields = (
  hold: Hold,
  until: PlanId | undefined,
): { readonly holder: string; readonly until?: PlanId } => ({
  holder: idOf(hold.holder),
  ...(until === undefined ? {} : { until }),
})

/** Why it is held and what to do, as the end of a message. */
export const heldSince = (hold: Hold, until: PlanId | undefined, advice: string): string =>
  until === undefined
    ? `is held by ${holderName(hold)} since ${hold.since}; ${advice}`
    : `lies on a link of ${holderName(hold)} that is being removed (plan ${until}); ask again in a moment, or ${advice}`
