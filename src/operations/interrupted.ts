/** What people notice of a change: the established connections of the endpoints that it takes out of their sandboxes. */
import { ipOf } from '../../events/index.ts'
import type { EndpointView, Topology } from '../../projections/index.ts'
import type { FlowEnd, Kernel } from '../kernel/kernel.ts'
import type { Preview } from './operations.ts'

/**
 * The preview, with what it interrupts. Never fails: what cannot be told is unknown.
 * @param topology as it is before the change
 * @param flows as the kernel's; may reject
 */
export async function withInterruption(
  preview: Preview,
  topology: Topology,
  flows: Kernel['flows'],
): Promise<Preview> {
  const taken = takenAway(preview, topology)
  if (taken.length === 0) return preview
  const ends = taken.map(({ addresses, sandbox }) => ({ addresses: addresses.map(ipOf), sandbox }) as FlowEnd)
  const found = await flows(ends).catch(() => undefined)
  return {
    ...preview,
    interrupts: { endpoints: taken.map(({ id }) => id), flows: found ?? 'unknown' },
  }
}

/** Those that are in a sandbox now, and would leave it. */
function takenAway({ facts }: Preview, { endpoints }: Topology): readonly EndpointView[] {
  return facts.flatMap(({ stream, type }) => {
    if (type !== 'EndpointLeaveRequested') return []
    const endpoint = endpoints.get(stream.slice(stream.indexOf('/') + 1))
    return endpoint?.state === 'joined' && endpoint.sandbox !== undefined ? [endpoint] : []
  })
}
