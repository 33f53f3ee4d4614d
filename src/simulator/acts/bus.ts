/** Servers of a cluster that refuse, are slow, lose answers, are gone, or forget what they acknowledged. */
import type { CommandId } from '../../../events/index.ts'
import { CLAIM_STREAM } from '../../cluster/claims/subjects.ts'
import { LOG_STREAM } from '../../cluster/message.ts'
import { SERVERS, type PublishFault } from '../arbiter.ts'
import type { Chance } from '../chance.ts'
import { act, MINUTE, type Scene } from './act.ts'
import { newId } from './client.ts'

const FAULTS: readonly PublishFault[] = ['late', 'lost', 'unanswered']

/** Streams by name. An older tape names none: then it is the one that was there first. */
type Streams = { readonly streams?: readonly string[] }

const STREAMS = [[LOG_STREAM.name], [CLAIM_STREAM.name], [LOG_STREAM.name, CLAIM_STREAM.name]] as const

const each = ({ streams = [LOG_STREAM.name] }: Streams, run: (stream: string) => void): void =>
  streams.forEach(run)

/** What befalls the servers is drawn for one host, or it would come as often as there are hosts. */
const once =
  <D extends object>(draw: (chance: Chance, scene: Scene) => D) =>
  (chance: Chance, scene: Scene): D | undefined =>
    scene.host.index === 0 ? draw(chance, scene) : undefined

export const busActs = {
  /** Somebody cloned a machine: an engine on a copy of the data directory speaks for the same host, for a while. */
  'bus.clone': act<{ readonly forMs: number }>({
    draw: (chance, { copied, host, world }) =>
      world.isCluster && copied.size === 0 && host.isUp
        ? { forMs: chance.between(1000, 2 * MINUTE) }
        : undefined,
    everyMs: 4 * MINUTE,
    perform: ({ atHeal, copied, host, later, world }, { forMs }) => {
      if (!world.isCluster || copied.has(host) || host.disk.platter.isDamaged) return
      const copy = world.copyOf(host)
      copied.set(host, copy)
      const end = (): void => copy.crash()
      copy.boot().catch(end)
      later(forMs, end)
      atHeal(end)
    },
  }),
  /** Deliveries come again. */
  'bus.duplicate': act<{ readonly count: number }>({
    draw: (chance) => ({ count: chance.between(1, 20) }),
    everyMs: MINUTE,
    perform: ({ host, world }, { count }) => world.servers.repeat(host.name, count),
  }),
  /** Nobody leads: nothing is answered, and what was on its way there is lost. */
  'bus.leader': act<{ readonly forMs: number }>({
    draw: once((chance) => ({ forMs: chance.pick([50, 1000, 4000, 12_000]) })),
    everyMs: 2 * MINUTE,
    perform: ({ atHeal, later, world: { servers } }, { forMs }) => {
      const end = (): void => servers.hush(false)
      servers.hush(true)
      later(forMs, end)
      atHeal(end)
    },
  }),
  /** A host leaves the cluster, and comes back. */
  'bus.leave': act<{ readonly awayMs: number; readonly joins: CommandId; readonly leaves: CommandId }>({
    draw: (chance) => ({
      awayMs: chance.pick([0, 1000, 30_000]),
      joins: newId(chance),
      leaves: newId(chance),
    }),
    everyMs: 8 * MINUTE,
    perform: ({ clients, host, later, world }, { awayMs, joins, leaves }) => {
      if (!world.isCluster) return
      clients.ask(host, { command: { data: {}, type: 'cluster.leave' }, id: leaves })
      const data = { host: host.name, servers: SERVERS }
      later(awayMs, () => void clients.ask(host, { command: { data, type: 'cluster.join' }, id: joins }))
    },
  }),
  /** They come back without what they had not synced, though they had acknowledged it; `silently`: no connection was lost. */
  'bus.lose': act<{ readonly count: number; readonly isSilent: boolean } & Streams>({
    draw: once((chance) => ({
      count: chance.between(1, chance.pick([3, 30])),
      isSilent: chance.oneIn(4),
      streams: chance.pick(STREAMS),
    })),
    everyMs: 4 * MINUTE,
    perform: ({ world: { servers } }, { count, isSilent, ...which }) =>
      each(which, (stream) => servers.regress(stream, count, isSilent)),
  }),
  /** What becomes of the next publishes, whoever sends them. */
  'bus.publish': act<{ readonly all: readonly PublishFault[]; readonly lateMs: number }>({
    draw: (chance) => ({
      all: Array.from({ length: chance.between(1, 4) }, () => chance.pick(FAULTS)),
      lateMs: chance.pick([20, 4990, 5010, 5200, 7000, 150_000]),
    }),
    everyMs: MINUTE,
    perform: ({ world: { servers } }, { all, lateMs }) => {
      servers.lateMs = lateMs
      servers.faults.push(...all)
    },
  }),
  /** They take nothing more for a while. */
  'bus.refuse': act<{ readonly forMs: number }>({
    draw: once((chance) => ({ forMs: chance.between(10, 30_000) })),
    everyMs: 4 * MINUTE,
    perform: ({ atHeal, later, world: { servers } }, { forMs }) => {
      const end = (): void => void (servers.isFull = false)
      servers.isFull = true
      later(forMs, end)
      atHeal(end)
    },
  }),
  /** A stream is lost, all of it, or both are. */
  'bus.remake': act<Streams>({
    draw: once((chance) => ({ streams: chance.pick(STREAMS) })),
    everyMs: 10 * MINUTE,
    perform: ({ world: { servers } }, which) => each(which, (stream) => void servers.remake(stream)),
  }),
  'bus.restart': act<{ readonly downMs: number }>({
    draw: once((chance) => ({ downMs: chance.pick([10, 1000, 6000, 40_000]) })),
    everyMs: 3 * MINUTE,
    perform: ({ atHeal, later, world: { servers } }, { downMs }) => {
      const end = (): void => servers.start()
      servers.stop()
      later(downMs, end)
      atHeal(end)
    },
  }),
  /** What goes to a host or comes from it takes its time; answers too late for whoever waits, perhaps. */
  'bus.slow': act<{ readonly byMs: number; readonly forMs: number }>({
    draw: (chance) => ({
      byMs: chance.pick([10, 200, 1500, 2600, 4000]),
      forMs: chance.between(1000, 40_000),
    }),
    everyMs: 2 * MINUTE,
    perform: ({ atHeal, host, later, world }, { byMs, forMs }) => {
      const { links } = world.servers
      const end = (): void => links.slow(host.name, 0)
      links.slow(host.name, byMs)
      later(forMs, end)
      atHeal(end)
    },
  }),
}
