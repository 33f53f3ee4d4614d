/**
 * A service of your own in a simulated world. It lends places on a network for ten seconds; who renews in time keeps his. The service
 * has a bug that no test of one call after another finds. Seeds do: each is a world in which customers come at other moments, and
 * the kernel takes its time now and then.
 *
 *   npx tsx examples/simulate-service.ts
 */
import assert from 'node:assert/strict'
import { createWorld, type World } from 'chronet/simulator'

/** All that the service wants of the world: in production from `node:timers/promises` and `performance`, here from the world. */
type Ports = { readonly nowMs: () => number; readonly sleep: (ms: number) => Promise<void> }

const TERM_MS = 10_000

class Leases {
  readonly #isMended: boolean
  readonly #ports: Ports
  readonly #untilMs = new Map<string, number>()
  readonly #world: World

  constructor(world: World, ports: Ports, isMended: boolean) {
    this.#world = world
    this.#ports = ports
    this.#isMended = isMended
  }

  /** When it returns, the customer is on the network for ten seconds. */
  async renew(customer: string): Promise<void> {
    const isThere = this.#untilMs.has(customer)
    if (!isThere) await this.#world.controller.connect('base', customer)
    this.#untilMs.set(customer, this.#ports.nowMs() + TERM_MS)
  }

  async expire(): Promise<void> {
    for (;;) {
      await this.#ports.sleep(1000)
      for (const [customer, untilMs] of this.#untilMs) {
        if (untilMs > this.#ports.nowMs()) continue
        // The bug: who renews while the disconnect is under way is told that he has ten more seconds.
        if (this.#isMended) this.#untilMs.delete(customer)
        await this.#world.controller.disconnect('base', customer)
        this.#untilMs.delete(customer)
      }
    }
  }
}

/** Two minutes of a world. @returns what went wrong */
async function simulate(seed: number, isMended: boolean): Promise<string | undefined> {
  const world = await createWorld({ seed })
  const { chance, clock, sleep } = world.ports
  const service = new Leases(world, { nowMs: () => clock.monotonicMs(), sleep }, isMended)
  await world.until(world.controller.newNetwork('bridge', 'base'))
  let complaint: string | undefined
  const customer = async (name: string): Promise<void> => {
    await world.controller.newSandbox(name)
    while (complaint === undefined) {
      await service.renew(name)
      await sleep(2000)
      if (!world.canReach('host', name))
        complaint ??= `at ${Math.round(world.nowMs)} ms ${name} has renewed two seconds ago and is not on the network`
      await sleep(chance.between(1000, 20_000))
    }
  }
  void service.expire()
  for (const name of ['ann', 'bob', 'eve']) void customer(name)
  for (let minute = 0; minute < 2; minute++) {
    // For half of each minute every step of the kernel takes a quarter of a second.
    world.host(0).kernel.slow(250, 30_000)
    await world.until(world.ports.sleep(60_000))
  }
  return complaint
}

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1)

let found: number | undefined
for (const seed of SEEDS) {
  const complaint = await simulate(seed, false)
  if (complaint === undefined) continue
  console.log(`seed ${seed}: ${complaint}`)
  assert.equal(await simulate(seed, false), complaint, 'the same seed is the same story')
  found = seed
  break
}
assert(found !== undefined, 'no seed found the bug')

for (const seed of SEEDS) assert.equal(await simulate(seed, true), undefined, `seed ${seed}, mended`)
console.log(`mended: nobody complains in any of ${SEEDS.length} worlds`)
