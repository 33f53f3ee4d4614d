/** What clients do with networks of all hosts, and people with hosts that they take for dead. */
import type { CommandId } from '../../../events/index.ts'
import type { Asking } from '../clients.ts'
import { drawSharedCommand } from '../commands.ts'
import { act, MINUTE } from './act.ts'
import { existing, newId } from './client.ts'

export const sharedActs = {
  /** Somebody puts a host out: one that is there, or one that dies, and then he looks, and says so. Later it comes back. */
  'bus.evict': act<{
    readonly by: number
    readonly confirms: CommandId
    readonly downMs: number
    readonly isDead: boolean
    readonly lookMs: number
    readonly puts: CommandId
  }>({
    draw: (chance, { host, world: { hosts, isCluster } }) => {
      const others = hosts.filter((other) => other !== host)
      if (!isCluster || others.length === 0) return undefined
      return {
        by: chance.pick(others).index,
        confirms: newId(chance),
        downMs: chance.pick([2000, 30_000, 2 * MINUTE]),
        isDead: !chance.oneIn(3),
        lookMs: chance.pick([100, 1000, 10_000]),
        puts: newId(chance),
      }
    },
    everyMs: 4 * MINUTE,
    perform: (scene, { by, confirms, downMs, isDead, lookMs, puts }) => {
      const { clients, host, later, revive, world } = scene
      const other = world.hosts[by]
      if (!world.isCluster || other === undefined || other === host) return
      const evict = { data: { host: host.name }, type: 'cluster.evict' } as const
      if (isDead) {
        // Its supervisor is as dead as it is.
        const { onDeath } = host
        host.onDeath = undefined
        host.crash()
        host.onDeath = onDeath
        later(downMs, () => revive(host, 0))
      }
      clients.ask(other, { command: evict, id: puts })
      later(lookMs, () => {
        const dead = { data: { dead: true, host: host.name }, type: 'cluster.evict' } as const
        if (!host.isAlive) clients.ask(other, { command: dead, id: confirms })
      })
    },
  }),
  /** Networks of all hosts: made, used and ended wherever, some things at once. */
  'client.shared': act<{ readonly all: readonly Asking[] }>({
    draw: (chance, scene) => {
      if (!scene.world.isCluster) return undefined
      const count = chance.weighted([
        [4, 1],
        [2, 3],
        [1, 12],
      ])
      const command = (): Asking => ({
        command: drawSharedCommand(chance, existing(scene)),
        id: newId(chance),
      })
      return { all: Array.from({ length: count }, command) }
    },
    everyMs: 10_000,
    perform: ({ clients, host }, { all }) => all.forEach((each) => clients.ask(host, each)),
  }),
}
