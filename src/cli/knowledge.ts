/** What both ways to a log, the reading and the changing one, tell of it. */
import type { AnyFact, Instant, Log, Problem, Seq } from '../../events/index.ts'
import { EngineError, GENESIS } from '../../events/index.ts'
import {
  endpointsOf,
  networksOf,
  openPlans,
  sandboxesOf,
  unswept,
  type Projections,
  type Topology,
} from '../../projections/index.ts'
import type { Disk } from '../ports.ts'
import type { OpenPlan, Picture, Status, Verified } from './operations.ts'

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

/** Reads all of it. */
export async function verified(log: Log<AnyFact>, blocked: EngineError | undefined): Promise<Verified> {
  await log.flush()
  const { hash, seq } = log.durable
  const known = blocked?.code === 'ERR_LOG_DAMAGED' ? blocked : undefined
  const damage = known ?? (await damageIn(log))
  return { commits: seq, ...(damage === undefined ? {} : { damage: problemOf(damage) }), head: hash }
}

async function damageIn(log: Log<AnyFact>): Promise<EngineError | undefined> {
  const damage = log.damage ?? (await log.verify())
  if (damage === undefined) return undefined
  return new EngineError('ERR_LOG_DAMAGED', `the log is damaged at #${damage.from}: ${damage.why}`)
}
