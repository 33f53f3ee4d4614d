/**
 * A scenario in a world of its own: the engine dies in the middle of an attach, another one is started, and the container is
 * reachable all the same. Real engine, virtual time; nothing of this machine is touched.
 *
 *   npx tsx examples/simulate-network.ts
 */
import assert from 'node:assert/strict'
import { coverageOfWorld, createWorld } from 'chronet/simulator'

const world = await createWorld({ seed: '1' })
const host = world.host(0)

await world.until(host.controller.newNetwork('bridge', 'web'))
for (const name of ['shop', 'till']) await world.until(host.controller.newSandbox(name))
await world.until(host.controller.connect('web', 'till'))
assert(world.canReach('host', 'till', 'tcp/80'))

// The process dies at its fourth call to disk or kernel from here on. What it would have answered, nobody hears.
host.crashAt(4)
void host.controller.connect('web', 'shop')
await world.until(() => !host.isUp)
console.log(`killed at ${world.nowMs} ms`)

await world.until(host.boot())
const { reached, why } = world.reach('till', 'shop', 'tcp/80')
console.log(`started again: ${reached ? 'till reaches shop' : why}`)
assert(reached)

const { possible, seen } = coverageOfWorld(world)
console.log(`${seen} of ${possible} pairs of a state and a fact seen`)
await world.close()
