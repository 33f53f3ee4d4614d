/** How a world is looked at when it is over: nothing is left in the kernel, nothing is pending, and the log reads as it was lived. */
import type { Commit } from '../../events/index.ts'
import { keys, seqOfKey } from '../../events/store.ts'
import type { View } from '../engine/empty-view.ts'
import type { Host } from './host.ts'
import type { Ledger } from './invariants/invariant.ts'
import { checkDecisions, checkReplay, checkShown, type Known } from './invariants/replay.ts'
import { leftIn } from './invariants/strangers.ts'
import type { Platter } from './platter.ts'
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
  const { log } = watch.witness(host)
  ledger.check('L4', unfoundIn(host.disk.platter, log))
  const stepwise = checkDecisions(watch.logOf(host), ledger, known, host.planted.turn)
  checkReplay(log, view, stepwise, ledger)
  checkShown(log, watch.shownOf(host), ledger)
}

/** Rows of commands that lead nowhere, or elsewhere; and commits of clients that no row finds. */
function unfoundIn(platter: Platter, log: readonly Known[]): string | undefined {
  const rows = new Map(platter.range({ gte: 'i', lt: 'j' }))
  for (const [key, row] of platter.range(keys.commits(0))) {
    const known = log[(seqOfKey(key) ?? 0) - 1]
    const isKnown = known !== undefined && row === known.hash + known.body
    const { actor, command } = isKnown ? known.commit : (JSON.parse(row.slice(64)) as Commit)
    const isOurs = actor.kind === 'engine' || actor.kind === 'worker'
    const found = rows.get(keys.command(command.id))
    rows.delete(keys.command(command.id))
    if (!isOurs && Number(found) !== seqOfKey(key))
      return `#${seqOfKey(key) ?? 0} is on disk, and ${command.id} finds ${found ?? 'nothing'}`
  }
  const [first] = rows
  return first && `${first[0].slice(1)} finds #${first[1]}, which is not on disk`
}
