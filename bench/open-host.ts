/** An engine of the benchmarks that need no kernel. */
import { createController, type Controller } from '../src/index.ts'
import { silentKernel } from './support.ts'

/** An engine on a kernel that says yes; its run directory is in its data directory. */
export const openHost = (dir: string): Promise<Controller> =>
  createController({
    dataDir: dir,
    ports: { openKernel: () => Promise.resolve(silentKernel) },
    runDir: `${dir}/run`,
  })
