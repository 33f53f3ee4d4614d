/** Hosts with real disks and simulated kernels, for tests with real servers. */
import { createController, type Controller, type ControllerOptions } from '../../src/index.ts'
import { createKernelWorld, openSimulatedKernel } from '../../src/simulator/index.ts'
import { systemPorts } from '../../src/system/ports.ts'

const open: Controller[] = []

/** One whose kernel is its own; closed by {@link closeAll}. */
export async function host(options: ControllerOptions & { readonly dataDir: string }): Promise<Controller> {
  const { hash, timers } = systemPorts()
  const world = createKernelWorld()
  const controller = await createController({
    ...options,
    ports: {
      openKernel: (kernel) => openSimulatedKernel(world, { ...kernel, hash, timers }),
      ...options.ports,
    },
  })
  open.push(controller)
  return controller
}

export async function closeAll(): Promise<void> {
  for (const controller of open.splice(0)) await controller.close()
}

export async function texts(commits: AsyncIterable<object>): Promise<readonly string[]> {
  const all: string[] = []
  for await (const commit of commits) all.push(JSON.stringify(commit))
  return all
}

/** Waits until one host has all of another's log that is durable now. */
export async function caughtUp(reader: Controller, writer: Controller, withinMs = 30_000): Promise<void> {
  const { hash, seq } = writer.engine.log.durable
  for (const end = performance.now() + withinMs; performance.now() < end;) {
    const { peers } = await reader.clusterStatus()
    const peer = peers.find(({ origin }) => origin === writer.id)
    if (peer !== undefined && peer.seq >= seq && (peer.seq > seq || peer.hash === hash)) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(
    `not caught up: ${JSON.stringify([await reader.clusterStatus(), await writer.clusterStatus()])}`,
  )
}
