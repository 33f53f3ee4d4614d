/** Where commands race: a network, two sandboxes, and a kernel that takes its time. */
import { expect } from 'vitest'
import type { Controller, EngineError } from '../../src/index.ts'
import { checkInvariants } from './invariants.ts'
import { Lab, leftovers } from './lab.ts'

/** A network `web` and sandboxes `a` and `b`; from then on each step of the kernel takes so long. */
export async function machine(latencyMs = 0): Promise<{ controller: Controller; lab: Lab }> {
  const lab = new Lab()
  const controller = await lab.open({ heal: false })
  await lab.do(controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' } }))
  await lab.do(controller.newNetwork('bridge', 'wide', { ipam: { subnet: '10.128.0.0/12' }, ipv6: true }))
  await lab.do(controller.newSandbox('a'))
  await lab.do(controller.newSandbox('b'))
  lab.world.latencyMs = () => latencyMs
  return { controller, lab }
}

/** What was heard instead of "done". */
export const heard = (lab: Lab, work: Promise<unknown>): Promise<EngineError> =>
  lab.do(
    work.then(
      () => Promise.reject(new Error('it was done')),
      (error: unknown) => error as EngineError,
    ),
  )

/** Deletes all there is; nothing is left in the kernel. */
export async function deleteAll({ controller, lab }: { controller: Controller; lab: Lab }): Promise<void> {
  for (const sandbox of controller.sandboxes()) await lab.do(sandbox.delete())
  for (const { id } of controller.queries.endpoints()) await lab.do(controller.endpoint(id).delete())
  for (const network of controller.networks()) await lab.do(network.delete())
  await lab.ports.time.runFor(3000)
  await checkInvariants(lab, controller)
  expect(leftovers(lab)).toEqual([])
}
