/**
 * Links out of service in microseconds (`cut`), and gone (`remove`), which waits for RCU and is the worker's. Only what
 * bears the mark and is the link that the spec speaks of is touched; everything else counts as absent.
 */
import type { BridgeSpec, VethSpec } from '../../../events/index.ts'
import { ENETDOWN, ENODEV, errnoName } from '../errno.ts'
import { type Context, type Done, UNCHANGED } from './context.ts'
import { BR_STATE_LISTENING, changeLink, type Link, setPortState } from './links.ts'
import { demand, Refusal } from './refusal.ts'

/** A port off, or a bridge down, and the sweep bit set with it. */
export function cut(context: Context, spec: BridgeSpec | VethSpec): Done {
  const { mark } = context
  const { host } = context.namespaces
  const link = ownLink(context, spec)
  if (link === undefined) return UNCHANGED
  const isPort = spec.kind === 'veth' && link.master !== 0
  const inService = isPort
    ? link.up && link.portState !== BR_STATE_LISTENING
    : spec.kind === 'bridge' && link.up
  if (!inService && link.group === mark.swept) return UNCHANGED
  const change = { group: mark.swept, ...(spec.kind === 'bridge' ? { up: false } : {}) }
  const [answer, off] = host.request((w) => {
    changeLink(w, link.index, change)
    if (isPort && inService) setPortState(w, link.index, BR_STATE_LISTENING)
  })
  // From here on a deletion of the whole group, on the worker, may take it along: then it is out of service for good.
  demand(answer, `cut ${spec.kind} ${spec.name}`, ENODEV)
  // Without carrier a port's state cannot be set, and with the carrier, which may be on its way, it would forward. Rare.
  if (off !== undefined && demand(off, `cut port ${spec.name}`, ENETDOWN, ENODEV).errno === ENETDOWN)
    host.change(link, { up: false })
  return { changed: true, ifindex: link.index }
}

/** The link that a spec speaks of, also under a name that somebody gave it since it was last seen: its index is remembered. */
function ownLink({ mark, namespaces: { host } }: Context, spec: BridgeSpec | VethSpec): Link | undefined {
  const link = host.find(spec.name)
  if (link !== undefined && mark.isOf(link, spec)) return link
  const index = host.remembered(spec.name)
  const renamed = index === undefined ? undefined : host.find(index)
  return renamed !== undefined && mark.isOf(renamed, spec) ? renamed : undefined
}

/** Deletes many at once. One answer each, in order. */
export async function removeLinks(
  context: Context,
  specs: readonly (BridgeSpec | VethSpec)[],
): Promise<readonly (Done | Refusal)[]> {
  const links = specs.map((spec) => ownLink(context, spec))
  for (const { name } of specs) context.namespaces.host.forget(name)
  const present = links.filter((link) => link !== undefined)
  if (present.length === 0) return specs.map(() => UNCHANGED)
  const errnos = await deleteLinks(context, present)
  return links.map((link) => {
    if (link === undefined) return UNCHANGED
    const errno = errnos[present.indexOf(link)] ?? 0
    return errno === 0 ? { changed: true, ifindex: link.index } : undeleted(link, errno)
  })
}

/** A link that did not go. */
export const undeleted = ({ name }: Pick<Link, 'name'>, errno: number): Refusal =>
  new Refusal(errnoName(errno), `delete link ${name}: ${errnoName(errno)}`)

/** Deletes links of ours on the worker, after they got the sweep bit if they had it not. Errno per link. */
export async function deleteLinks(
  { mark, namespaces: { host, worker } }: Context,
  links: readonly Pick<Link, 'group' | 'index' | 'name'>[],
): Promise<readonly number[]> {
  for (const link of links) {
    host.forget(link.name)
    if (link.group === mark.swept) continue
    const [answer] = host.request((w) => changeLink(w, link.index, { group: mark.swept }))
    demand(answer, `mark link ${link.name}`, ENODEV)
  }
  return worker.call('deleteLinks', { indexes: links.map(({ index }) => index), origin: mark.origin })
}
