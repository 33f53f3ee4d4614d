/**
 * Bugs, planted to see that the simulator finds them. None of them is in what is shipped: they are put in by lying ports and by
 * the one seam of the engine that is there for them (`src/engine/planted.ts`). `scripts/plant-bugs.ts` measures how many seeds each needs.
 */
import type { World } from '../../../src/simulator/world.ts'
import type { Bug } from './bug.ts'
import { clusterBugs } from './cluster.ts'
import { decisionBugs, planBugs } from './decisions.ts'
import { logBugs, workerBugs } from './parts.ts'
import { kernelBugs, storeBugs } from './ports.ts'

export type { Bug } from './bug.ts'

export const BUGS: readonly Bug[] = [
  ...storeBugs,
  ...logBugs,
  ...decisionBugs,
  ...planBugs,
  ...workerBugs,
  ...kernelBugs,
  ...clusterBugs,
]

/** As `prepare` of a run: the bug is on every host. */
export const planted =
  ({ plant }: Bug) =>
  (world: World): void => {
    for (const host of world.hosts) plant(host, world)
  }
