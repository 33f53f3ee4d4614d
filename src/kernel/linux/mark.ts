/** Whether a link is ours: what we chose at its birth must all agree (`src/reconcile/marks.ts`). */
import { createHash } from 'node:crypto'
import type { BridgeSpec, NsRef, Origin, VethSpec } from '../../../events/index.ts'
import { groupOf, isMacOf, sweptGroupOf } from '../../reconcile/marks.ts'
import type { Link } from './links.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The mark of one origin. */
export class Mark {
  readonly living: number
  readonly origin: Origin
  readonly swept: number

  constructor(origin: Origin) {
    this.origin = origin
    this.living = groupOf(sha256, origin)
    this.swept = sweptGroupOf(this.living)
  }

  hasGroup(link: Link): boolean {
    return link.group === this.living || link.group === this.swept
  }

  /** Whether addresses and routes may be put on the link: in a sandbox on all of them, on the host on ours. */
  mayUse(link: Link, ns: NsRef): boolean {
    return ns !== 'host' || this.isOurs(link)
  }

  /** A host-side link that the log may not know: group and MAC agree, by its name or the one that it was born with. */
  isOurs(link: Link): boolean {
    return this.hasGroup(link) && isMacOf(sha256, this.origin, link)
  }

  /** The host-side link that a spec speaks of. */
  isOf(link: Link, spec: BridgeSpec | VethSpec): boolean {
    return this.hasGroup(link) && link.mac === spec.mac && link.kind === spec.kind
  }
}
