/** Hosts that are cut off from the servers of their cluster: one, one way only, again and again, or one after another. */
import type { Way } from '../links.ts'
import { act, MINUTE, type Scene } from './act.ts'

/** A host by its number that is stopped or released, so long after the step before. One that is not there is left out. */
type Clog = { readonly afterMs?: number; readonly host?: number; readonly isCut?: boolean }

const heal = ({ host, world }: Scene): void => world.servers.heal(host.name)

export const partitionActs = {
  /** One host, both ways or one. */
  'partition.cut': act<{ readonly forMs: number; readonly way: Way | 'both' }>({
    draw: (chance) => ({
      forMs: chance.pick([100, 3000, 20_000, 2 * MINUTE]),
      way: chance.pick(['both', 'both', 'here', 'there'] as const),
    }),
    everyMs: 2 * MINUTE,
    perform: (scene, { forMs, way }) => {
      const { host, later, world } = scene
      world.servers.cut(host.name, way === 'both' ? undefined : way)
      later(forMs, () => heal(scene))
    },
  }),
  /** One host, again and again. */
  'partition.flap': act<{ readonly everyMs: number; readonly times: number }>({
    draw: (chance) => ({ everyMs: chance.pick([50, 400, 3000]), times: chance.between(2, 10) }),
    everyMs: 4 * MINUTE,
    perform: (scene, { everyMs, times }) => {
      const { host, later, world } = scene
      for (let nth = 0; nth < times; nth++) {
        later(2 * nth * everyMs, () => world.servers.cut(host.name))
        later((2 * nth + 1) * everyMs, () => heal(scene))
      }
    },
  }),
  /** Swizzle-clog (FoundationDB): some hosts are stopped one by one, and released one by one in another order. */
  'partition.swizzle': act<{ readonly all: readonly Clog[] }>({
    draw: (chance, { host: { index }, world: { hosts } }) => {
      if (index !== 0) return undefined
      const some = hosts.filter(() => chance.oneIn(2)).map((host) => host.index)
      if (some.length === 0) return undefined
      const shuffled = some.map((each) => [chance.bits(), each] as const).sort(([a], [b]) => a - b)
      const pause = (): number => chance.pick([0, 100, 2000, 10_000])
      return {
        all: [
          ...some.map((host) => ({ afterMs: pause(), host, isCut: true })),
          ...shuffled.map(([, host]) => ({ afterMs: pause(), host, isCut: false })),
        ],
      }
    },
    everyMs: 4 * MINUTE,
    perform: ({ later, world: { hosts, servers } }, { all }) => {
      let atMs = 0
      for (const { afterMs = 0, host: index = -1, isCut = false } of all) {
        const name = hosts[index]?.name
        atMs += afterMs
        if (name !== undefined) later(atMs, () => (isCut ? servers.cut(name) : servers.heal(name)))
      }
    },
  }),
}
