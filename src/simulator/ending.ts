/** How a world is looked at when it is over: nothing is left in the kernel, nothing is pending, and the log reads as it was lived. */
import type { View } from '../engine/empty-view.ts'
import type { Host } from './host.ts'
import type { Ledger } from './invariants/invariant.ts'
import { checkDecisions, checkReplay } from './invariants/replay.ts'
import { leftIn } from './invariants/strangers.ts'
import type { Watch } from './watch.ts'
import type { World } from './world.ts'

/** V5: all was deleted. */
export function checkEmpty(host: Host, ledger: Ledger): void {
  const left = leftIn(host.kernel.world, host.origin)
  ledger.check('V5', left.length === 0 ? undefined : `all was deleted, and there is: ${left.join('; ')}`)
}

/**
 * Closes the engine (V3), and reads its log as a whole.
 * @param inTime awaits the closing, not for ever
 * @param known see {@link checkDecisions}
 */
export async function checkEnd(
  world: World,
  watch: Watch,
  host: Host,
  inTime: (closing: Promise<void>) => Promise<void>,
  known?: Map<string, View>,
): Promise<void> {
  const { ledger } = watch
  const { controller, life } = host
  const { view } = controller.engine
  await inTime(controller.close())
  await world.advance(1)
  const pending = world.time.pendingOf(life)
  ledger.check('V3', pending === 0 ? undefined : `${pending} timers are pending after close`)
  const log = watch.logOf(host)
  checkReplay(log, view, ledger)
  checkDecisions(log, ledger, known, host.planted.turn)
}
