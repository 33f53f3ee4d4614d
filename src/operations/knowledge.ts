/** What both ways to a log, the reading and the changing one, tell of it. */
import type { AnyFact, EngineError, Instant, Log, Problem, Seq, Snapshots } from '../../events/index.ts'
import { GENESIS } from '../../events/index.ts'
import {
  endpointsOf,
  networksOf,
  openPlans,
  sandboxesOf,
  unswept,
  type Projections,
  type Topology,
} from '../../projections/index.ts'
import { momentIn } from '../controller/moment.ts'
import { topologyAsOf } from '../controller/past.ts'
import type { Disk } from '../ports.ts'
import type { Moment, OpenPlan, Picture, Status } from './operations.ts'

export const plansIn = ({ applied }: Projections): readonly OpenPlan[] =>
  openPlans(applied).map(({ for: streams, plan, purpose, steps }) => ({
    for: streams,
    plan,
    purpose,
    steps: steps.length,
  }))

export function statusOf(
  { dataDir, origin, runDir }: Pick<Disk, 'dataDir' | 'origin' | 'runDir'>,
  log: Log<AnyFact>,
  projections: Projections,
  blocked: EngineError | undefined,
): Status {
  const { at, hash, seq } = log.durable
  return {
    ...(blocked === undefined ? {} : { blocked: problemOf(blocked) }),
    dataDir,
    epoch: projections.host.epoch,
    head: { ...(seq === 0 ? {} : { at }), hash, seq },
    open: plansIn(projections),
    origin,
    runDir,
    unswept: unswept(projections.allocations),
  }
}

/** Who is there, as plain data. */
export const pictureOf = (topology: Topology, seq: Seq, at: Instant | undefined): Picture => ({
  ...(at === undefined || seq === 0 ? {} : { at }),
  endpoints: endpointsOf(topology),
  networks: networksOf(topology),
  sandboxes: sandboxesOf(topology),
  seq,
})

/** What an id's bearer is called, if it is there now. */
export const nameNow = ({ endpoints, networks, sandboxes }: Topology, id: string): string | undefined =>
  (endpoints.get(id) ?? networks.get(id) ?? sandboxes.get(id))?.name

/** Who was there at a moment. @throws {EngineError} ERR_INVALID: no such moment */
export async function pictureAsOf(
  log: Log<AnyFact>,
  snapshots: Snapshots,
  moment: Moment,
  nowMs: number,
): Promise<Picture> {
  const { at, seq, topology } = await topologyAsOf(log, snapshots, await momentIn(log, moment, nowMs))
  return pictureOf(topology, seq, at)
}

/** Before there is a log. */
export const statusOfNothing = (dataDir: string, runDir: string): Status => ({
  dataDir,
  epoch: 0 as Status['epoch'],
  head: { hash: GENESIS.hash, seq: GENESIS.seq },
  open: [],
  runDir,
  unswept: [],
})

export const problemOf = ({ code, message }: EngineError): Problem => ({ code, message })
