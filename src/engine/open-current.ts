/**
 * Opening the log of a host that is in a cluster: before an epoch begins, the stream is asked whether it has more of this log than the
 * disk, and if so, that is taken first; also where whoever did so before died in the middle of it (`torn-end.ts`). Servers that do not
 * answer soon keep nobody from starting: if the log turns out to be older, its publishing is what stops then.
 */
import { EngineError } from '../../events/index.ts'
import type { Bus, OpenBus } from '../bus/bus.ts'
import { catchUp, isAhead, type CaughtUp } from '../cluster/catch-up.ts'
import { LOG_STREAM } from '../cluster/message.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Disk, Ports } from '../ports.ts'
import { openLogOf, type OpenedLog } from './open.ts'
import { Pauses } from './pauses.ts'
import { mustBeAsWritten, seenOfTorn, stillTorn } from './torn-end.ts'

/** How long the servers may take to say how far the log goes there, in milliseconds. */
const ASKING_MS_MAX = 2000

export type CurrentLog = { readonly opened: OpenedLog; readonly restored?: CaughtUp }

/**
 * @param always asks in every start; else only if this boot does not know the log's end: a short command comes after another
 */
export async function openCurrent(
  ports: Ports,
  disk: Disk,
  kernel: Kernel,
  always: boolean,
): Promise<CurrentLog> {
  const opened = await openLogOf(ports, disk, kernel)
  const { cluster } = opened.view.projections.host
  const { openBus, timers } = ports
  const seen = seenOfTorn(opened, disk)
  if (cluster === null || openBus === undefined) return { opened }
  if (seen === undefined && !mayLackSomething(opened)) return { opened }
  if (!always && !opened.blocked && (await isKnown(disk, kernel))) return { opened }
  const asking = ask(() => openBus(cluster, LOG_STREAM), opened)
  const bus = await new Pauses(timers).atMost(ASKING_MS_MAX, asking)
  if (bus === undefined) {
    // What comes too late is let go.
    void asking.then((late) => late?.close())
    return { opened: seen === undefined ? opened : stillTorn(opened) }
  }
  let restored: CaughtUp | undefined
  try {
    const { hash } = ports
    const { log, store, view } = opened
    if (seen !== undefined) await mustBeAsWritten(disk)
    const { epoch } = view.projections.host
    restored = await catchUp(bus, { epoch, hash, log, store, through: seen, timers })
  } catch (error) {
    if (seen !== undefined) return { opened: stillTorn(opened, error) }
    // Two histories there are already: that is told where it is published, and what is local goes on.
    if (error instanceof EngineError && error.code === 'ERR_LOG_FORKED') return { opened }
    return { opened: { ...opened, blocked: notRestored(opened, error) } }
  } finally {
    await bus.close()
  }
  if (restored === undefined) return { opened }
  await opened.log.close()
  return { opened: await openLogOf(ports, disk, kernel), restored }
}

/** What is damaged, or another namespace's, is mended by somebody. */
const mayLackSomething = ({ blocked }: OpenedLog): boolean =>
  blocked === undefined || blocked.code === 'ERR_LOG_BEHIND'

/** Whether this boot has seen the log before. @returns false: it may be any copy */
async function isKnown(disk: Disk, { identity }: Kernel): Promise<boolean> {
  return (await disk.readHead())?.bootId === identity.bootId
}

/** A connection to servers that have more of the log; undefined: they have not, or cannot be asked. */
async function ask(open: () => ReturnType<OpenBus>, { log }: OpenedLog): Promise<Bus | undefined> {
  let bus: Bus | undefined
  try {
    bus = await open()
    if (await isAhead(bus, log)) return bus
  } catch {
    // The session tells what stands in the way.
  }
  await bus?.close()
  return undefined
}

const notRestored = ({ log }: OpenedLog, cause: unknown): EngineError =>
  new EngineError(
    'ERR_LOG_BEHIND',
    `the cluster has more of this host's log than #${log.durable.seq}, where it ends here, and it could not be taken from there ` +
      `(${cause instanceof Error ? cause.message : String(cause)}); nothing is written until it is: start again, or run chronet cluster restore`,
    { cause, details: { head: log.durable.seq } },
  )
