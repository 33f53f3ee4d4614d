/** Bugs of hosts among others: of fences, of repetitions, and of catching up. */
import type { Bus } from '../../../src/bus/bus.ts'
import type { World } from '../../../src/simulator/world.ts'
import { inBus, type Bug } from './bug.ts'

const HOSTS = 3

/** Where the subject stands, whoever put it there. */
const standsAt = async (bus: Bus, subject: string): Promise<number> => (await bus.last(subject))?.seq ?? 0

/** Servers that are not asked to compare anything: what has another id than those of the last two minutes is new. */
function compareIdsOnly({ servers }: World): void {
  const streamOf = servers.stream.bind(servers)
  servers.stream = (name) => {
    const stream = streamOf(name)
    if (Object.hasOwn(stream, 'publish')) return stream
    const publish = stream.publish.bind(stream)
    return Object.assign(stream, {
      publish: (message: Parameters<typeof publish>[0]) =>
        publish(message, stream.last(message.subject)?.seq ?? 0),
    })
  }
}

export const clusterBugs: readonly Bug[] = [
  {
    foundBy: ['C1', 'C3', 'C6'],
    hosts: HOSTS,
    means:
      'A host publishes behind whatever the servers have of it, be that of another epoch or another machine.',
    name: 'fence-ignored',
    plant: inBus((bus) => ({
      publish: async (message) => bus.publish(message, await standsAt(bus, message.subject)),
    })),
  },
  {
    foundBy: ['C3', 'C6'],
    hosts: HOSTS,
    means: 'A message that is sent again is known by its id alone, as long as servers remember ids.',
    name: 'deduped-by-window',
    plant: (host, world) => {
      if (host.index === 0) compareIdsOnly(world)
    },
  },
  {
    foundBy: ['C1', 'C3', 'C4', 'C6'],
    hosts: HOSTS,
    means: 'What nobody knows of is taken for stored.',
    name: 'unknown-taken-for-stored',
    plant: inBus((bus) => ({
      publish: async (message, expect) => {
        const published = await bus.publish(message, expect)
        if (published.kind !== 'unknown') return published
        return { kind: 'stored', seq: await standsAt(bus, message.subject) }
      },
    })),
  },
  {
    foundBy: ['C1'],
    hosts: HOSTS,
    means: 'Who comes back hears what is new, and not what he missed.',
    name: 'catch-up-forgotten',
    plant: inBus((bus) => ({
      async *follow(_from, end) {
        yield* bus.follow((await bus.state()).lastSeq + 1, end)
      },
    })),
  },
]
