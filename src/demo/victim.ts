/**
 * An engine that stops in the middle of an attach and waits to be killed. What it intends is on disk, the link is made, and no
 * further step of the plan is done: a moment that a crash can hit, and the same one every time.
 *
 *   node victim.js <data directory> <run directory> <network> <sandbox> own | lent       whose kernel
 */
import process from 'node:process'
import { createController, type Kernel, type KernelOptions } from '../index.ts'
import { withApply } from '../kernel/kernel.ts'
import { systemPorts } from '../system/ports.ts'
import { borrowKernel, type OpenKernel } from './lent-kernel.ts'

const never = new Promise<never>(() => undefined)

/** A kernel, until a plan makes a link: then that is the last step, and no answer comes. */
async function openDyingKernel(
  open: OpenKernel,
  options: KernelOptions,
  onLink: () => void,
): Promise<Kernel> {
  const kernel = await open(options)
  return withApply(kernel, async (steps) => {
    const link = steps.findIndex(({ op, spec }) => op === 'ensure' && spec.kind === 'veth')
    if (link < 0) return kernel.apply(steps)
    await kernel.apply(steps.slice(0, link + 1))
    onLink()
    return never
  })
}

const [dataDir = '', runDir = '', network = '', sandbox = '', whose = 'own'] = process.argv.slice(2)
const open = whose === 'lent' ? borrowKernel : systemPorts().openKernel
process.on('disconnect', () => process.exit())
if (!process.connected) process.exit() // while this was being loaded
process.on('SIGINT', () => undefined)

let linked = (): void => undefined
const isLinked = new Promise<void>((resolve) => (linked = resolve))
const controller = await createController({
  dataDir,
  ports: { openKernel: (options) => openDyingKernel(open, options, linked) },
  runDir,
})
const isDurable = controller
  .facts({ types: ['EndpointJoinRequested'] })
  [Symbol.asyncIterator]()
  .next()
controller.connect(network, sandbox).catch((error: unknown) => process.send?.(String(error)))
await Promise.all([isLinked, isDurable])
process.send?.('now')
