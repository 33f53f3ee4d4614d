/**
 * The world in memory: a kernel, disks, clock and ids that a test owns, and people who tamper. A controller with these
 * ports is the real engine; only what it touches is simulated.
 *
 *     const world = createWorld()
 *     const ports = simulatedPorts({ seed: '1', world })
 *     const controller = await ports.time.until(createController({ dataDir: '/data', ports }))
 */
export { attachOutside, OUTSIDE_PATH, personAt } from '../kernel/simulated/humans.ts'
export type { OutsideOptions, Person } from '../kernel/simulated/humans.ts'
export { openSimulatedKernel } from '../kernel/simulated/index.ts'
export type { SimulatedKernelOptions } from '../kernel/simulated/index.ts'
export { canReach } from '../kernel/simulated/reach.ts'
export type { Place, Probe, Reach } from '../kernel/simulated/reach.ts'
export { createWorld, overrun, reboot } from '../kernel/simulated/world.ts'
export type { Fault, World } from '../kernel/simulated/world.ts'
export { simulatedPorts } from './ports.ts'
export type { SimulatedPorts } from './ports.ts'
export { VirtualTime } from './time.ts'
