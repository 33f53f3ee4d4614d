/**
 * The world in a seed, for tests of your own: machines in memory with the real engine on them, virtual time, disks and
 * kernels that fail when asked to, and people who tamper. Any test runner will do; no global of the process is touched.
 *
 *     const world = await createWorld({ seed: '1' })
 *     const { controller } = world.host(0)
 *     await world.until(controller.newNetwork('bridge', 'web'))
 *
 * The parts can be had alone: `createKernelWorld` is one machine's kernel, `simulatedPorts` the ports of an engine on it.
 */
export { attachOutside, OUTSIDE_PATH, personAt } from '../kernel/simulated/humans.ts'
export type { OutsideOptions, Person } from '../kernel/simulated/humans.ts'
export { openSimulatedKernel } from '../kernel/simulated/index.ts'
export type { SimulatedKernelOptions } from '../kernel/simulated/index.ts'
export { canReach } from '../kernel/simulated/reach.ts'
export type { Place, Probe, Reach } from '../kernel/simulated/reach.ts'
export { createKernelWorld, overrun, reboot } from '../kernel/simulated/world.ts'
export type { Fault, KernelWorld } from '../kernel/simulated/world.ts'
export { ACT_GROUPS, ACT_KINDS, CLUSTER_GROUPS, HOST_GROUPS } from './acts/index.ts'
export type { Act, ActGroup, ActKind } from './acts/index.ts'
export { SERVERS, SimulatedArbiter } from './arbiter.ts'
export type {
  ArbiterOptions,
  Circumstances,
  Publisher,
  PublishFault,
  PublishOutcome,
  Stored,
} from './arbiter.ts'
export { simulatedBus } from './bus.ts'
export type { BusHolder } from './bus.ts'
export { Chance } from './chance.ts'
export { Clients } from './clients.ts'
export type { Asked, Asking } from './clients.ts'
export { drawClimate } from './climate.ts'
export type { Climate } from './climate.ts'
export { drawCommand, drawFittingCommand, drawOddCommand } from './commands.ts'
export type { Exists } from './commands.ts'
export { ClusterWatch } from './cluster-watch.ts'
export { coverageOf, coverageOfWorld } from './coverage.ts'
export type { Coverage } from './coverage.ts'
export { empty } from './empty.ts'
export { ForbiddenGlobalError } from './forbidden.ts'
export type { AlsoForbidden } from './forbidden.ts'
export { DiskHand, KernelHand } from './hands.ts'
export type { StepFault, StepMatch } from './hands.ts'
export { Host } from './host.ts'
export { Incarnation } from './incarnation.ts'
export { Links } from './links.ts'
export type { Way } from './links.ts'
export { INVARIANTS } from './invariants/catalogue.ts'
export type { Invariant } from './invariants/catalogue.ts'
export { InvariantError, Ledger } from './invariants/invariant.ts'
export type { Backup, Fate, WriteFault } from './platter.ts'
export { Play } from './play.ts'
export { runSeed } from './run.ts'
export type { Failure, RunOptions, RunResult } from './run.ts'
export { shrink } from './shrink.ts'
export type { Shrunk, ShrinkOptions } from './shrink.ts'
export type { Statistics } from './statistics.ts'
export { playTape, readTape, tapeOf, writeTape } from './tape.ts'
export type { Tape } from './tape.ts'
export { ask, asks, done, running } from './insist.ts'
export type { Outcome } from './insist.ts'
export { crashMatrix, playPoint, pointsOf } from './matrix.ts'
export type { CrashPoint, MatrixFailure, MatrixOptions, MatrixResult, PointResult } from './matrix.ts'
export { simulatedPorts } from './ports.ts'
export type { SimulatedPorts } from './ports.ts'
export { SCENARIOS, scenarioNamed } from './scenarios/index.ts'
export type { Scenario } from './scenarios/index.ts'
export { VirtualTime } from './time.ts'
export { Trace } from './trace.ts'
export { Watch } from './watch.ts'
export { createWorld, DeadlineError, World } from './world.ts'
export type { ServicePorts, WorldOptions } from './world.ts'
