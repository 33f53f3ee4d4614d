/**
 * The classic first program of this field, in chronet: a controller for the bridge driver, a network, an endpoint, a
 * sandbox; join, look, leave, delete everything.
 *
 *   npx tsx examples/quickstart.ts          (as root, or: unshare -Urnm npx tsx examples/quickstart.ts)
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createController } from 'chronet'

const scratch = await mkdtemp(join(tmpdir(), 'chronet-quickstart-'))

// One controller owns one data directory: the log of all that ever happens on these networks.
const controller = await createController({
  dataDir: join(scratch, 'data'),
  drivers: { bridge: {} },
  runDir: join(scratch, 'run'),
})

// A network for containers to talk on. Created means: in the log, and the kernel has followed.
const network = await controller.newNetwork('bridge', 'network1', { ipam: { subnet: '10.77.0.0/24' } })

// A place on it: an address, a MAC and a name are held from here on.
const endpoint = await network.createEndpoint('Endpoint1')

// The network stack of a container.
const sandbox = await controller.newSandbox('container1', { domain: 'docker.io', hostname: 'test' })

// The endpoint's interface appears in the sandbox.
await endpoint.join(sandbox)

const { addresses, ifName, mac } = endpoint.info
console.log('operational data', { addresses, ifName, mac })
console.log(`Joined endpoint ${endpoint.name} (${mac}) to sandbox ${sandbox.containerId} (${sandbox.key})`)

await endpoint.leave(sandbox)
await endpoint.delete()
await sandbox.delete()
await network.delete()

// Gone from the kernel, never from the log.
const past = await controller.asOf('#5')
console.log(
  `as it was at #${past.seq}:`,
  past.networks().map((n) => n.name),
  past.endpoints().map((e) => e.name),
)

await controller.close()
await rm(scratch, { force: true, recursive: true })
