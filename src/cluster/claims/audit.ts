/**
 * What this host's log says it has, compared with what the servers say. Pure: two hosts that both believe to have a thing compare
 * the same two places, and so come to the same end.
 */
import type { Origin } from '../../../events/index.ts'
import type { Grant } from '../../../projections/index.ts'
import { comesFirst } from './standing.ts'
import type { Head } from './table.ts'

/**
 * `fine`: both say the same. `missing`: the servers know nothing of it (any more), or that it was given up. `moved`: it is ours by
 * another message than the log has. `ours`, `theirs`: another host has it as well, and this one, or the other, came first.
 */
export type Verdict =
  { readonly head: Head; readonly kind: 'fine' | 'moved' | 'ours' | 'theirs' } | { readonly kind: 'missing' }

export function verdictOf(grant: Grant, head: Head | undefined, origin: Origin, stream: string): Verdict {
  if (head === undefined || head.restsUntil !== undefined) return { kind: 'missing' }
  if (head.by === origin) return { head, kind: isAsWritten(grant, head, stream) ? 'fine' : 'moved' }
  return { head, kind: comesFirst({ by: origin, first: grant.first }, head) ? 'ours' : 'theirs' }
}

const isAsWritten = (grant: Grant, head: Head, stream: string): boolean =>
  head.contested === grant.contested &&
  head.network === grant.network &&
  head.seq === grant.seq &&
  stream === grant.stream
