/**
 * Opening a data directory for an engine: store, log and view, and whether this is the kernel that the log speaks of.
 */
import { EngineError } from '../../events/index.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Disk, Ports } from '../ports.ts'
import { openFolded, type Folded } from './open-folded.ts'
import { plantedIn } from './planted.ts'
import { ViewFold, type View } from './view.ts'

/** A log that is open, and what it says. `blocked`: why nothing may be changed. */
export type OpenedLog = Omit<Folded<ViewFold>, 'fold'> & { readonly view: View }

export async function openLogOf(ports: Ports, disk: Disk, kernel: Kernel): Promise<OpenedLog> {
  const { hash, timers } = ports
  const { bootId } = kernel.identity
  const group = {
    afterTurn: (run: () => void) => timers.afterTurn(run),
    later: (ms: number, run: () => void) => void timers.scheduler.schedule(run, ms),
  }
  const { fold, ...opened } = await openFolded(
    { bootId, disk, hash, timers: group },
    (from) => new ViewFold(from),
  )
  const view = fold.view()
  const blocked = opened.blocked ?? whyElsewhere(view, kernel)
  const found: OpenedLog = { ...opened, ...(blocked ? { blocked } : {}), view }
  return plantedIn(ports).opened?.(found) ?? found
}

/** A network namespace bears its cookie as long as it lives, and the log what the last epoch found. */
function whyElsewhere({ projections: { host } }: View, kernel: Kernel): EngineError | undefined {
  const { bootId, cookie } = kernel.identity
  if (host.bootId !== bootId || host.cookie === cookie) return undefined
  return new EngineError(
    'ERR_OTHER_HOST',
    `this log belongs to another network namespace of this boot (cookie ${host.cookie}; here it is ${cookie}): ` +
      'run chronet there, or with a data directory of its own here',
    { details: { cookie: host.cookie, here: cookie } },
  )
}

/** The opened log without what stands against it, if that is only that it is older than what ran here. */
export function acceptBehind(opened: OpenedLog, kernel: Kernel): OpenedLog {
  const { blocked, ...rest } = opened
  if (blocked?.code !== 'ERR_LOG_BEHIND') return opened
  const elsewhere = whyElsewhere(rest.view, kernel)
  return elsewhere ? { ...rest, blocked: elsewhere } : rest
}
