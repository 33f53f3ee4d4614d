/** Bugs of hosts among others: of fences, of repetitions, of catching up, and of claims. */
import type { Bus, BusMessage } from '../../../src/bus/bus.ts'
import { claimIn, claimMessage, type ClaimBody } from '../../../src/cluster/claims/message.ts'
import { CLAIM_STREAM } from '../../../src/cluster/claims/subjects.ts'
import { LOG_STREAM } from '../../../src/cluster/message.ts'
import type { World } from '../../../src/simulator/world.ts'
import { sha256 } from '../../../src/system/hash.ts'
import { inBus, inFacts, type Bug } from './bug.ts'

const HOSTS = 3

/** Where the subject stands, whoever put it there. */
const standsAt = async (bus: Bus, subject: string): Promise<number> => (await bus.last(subject))?.seq ?? 0

/** Servers that are not asked to compare anything of logs: what has another id than those of the last two minutes is new. */
function compareIdsOnly({ servers }: World): void {
  const streamOf = servers.stream.bind(servers)
  servers.stream = (name) => {
    const stream = streamOf(name)
    if (name !== LOG_STREAM.name || Object.hasOwn(stream, 'publish')) return stream
    const publish = stream.publish.bind(stream)
    return Object.assign(stream, {
      publish: (message: Parameters<typeof publish>[0]) =>
        publish(message, stream.last(message.subject)?.seq ?? 0),
    })
  }
}

/** What comes of claims, read otherwise than it was said. */
const misread =
  (otherwise: (body: ClaimBody) => ClaimBody) =>
  (message: BusMessage): BusMessage => {
    const body = claimIn(message, sha256)
    if (body === undefined) return message
    const { id, seq, subject } = message
    return { ...claimMessage(otherwise(body), { hash: sha256, id, subject }), seq }
  }

const inClaims = (change: Parameters<typeof inBus>[0]): Bug['plant'] => inBus(change, CLAIM_STREAM.name)

/** All that is read of claims, misread. */
const readAs = (otherwise: (body: ClaimBody) => ClaimBody): Bug['plant'] =>
  inClaims((bus) => ({
    async *follow(...asked) {
      for await (const message of bus.follow(...asked)) yield misread(otherwise)(message)
    },
    last: async (subject) => {
      const last = await bus.last(subject)
      return last && misread(otherwise)(last)
    },
  }))

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
    // V1: a start that is to take what its disk lacks waits for it in vain. D1: at the end a host is evicted of whom nobody here heard.
    foundBy: ['C1', 'D1', 'V1'],
    hosts: HOSTS,
    means: 'Who comes back hears what is new, and not what he missed.',
    name: 'catch-up-forgotten',
    plant: inBus((bus) => ({
      async *follow(_from, end) {
        yield* bus.follow((await bus.state()).lastSeq + 1, end)
      },
    })),
  },
  {
    foundBy: ['A1', 'A3', 'A9', 'C7', 'C8'],
    hosts: HOSTS,
    means: 'A host claims behind whatever the servers have of a thing, be it that another has it.',
    name: 'claims-not-compared',
    plant: inClaims((bus) => ({
      publish: async (message) => bus.publish(message, await standsAt(bus, message.subject)),
    })),
  },
  {
    foundBy: ['A1', 'C1', 'C5', 'C7', 'K10'],
    hosts: HOSTS,
    means: 'A host that comes back claims and gives up before it has read what there is.',
    name: 'claims-before-read',
    plant: inClaims((bus) => {
      let isFirst = true
      return {
        state: async () => {
          const state = await bus.state()
          const seen = isFirst ? 0 : state.lastSeq
          isFirst = false
          return { ...state, lastSeq: seen }
        },
      }
    }),
  },
  {
    foundBy: ['A3', 'A11'],
    hosts: HOSTS,
    means: 'What was given up in a cluster may be claimed by others at once.',
    name: 'claims-without-rest',
    plant: readAs((body) => ('restsUntil' in body ? { ...body, restsUntil: body.at } : body)),
  },
  {
    foundBy: ['A4'],
    hosts: HOSTS,
    means: 'A network has the first number that there is, whichever was claimed for it.',
    name: 'number-not-claimed',
    plant: inFacts((fact) =>
      fact.type === 'VniAssigned' ? { ...fact, data: { ...fact.data, vni: 4096 } } : fact,
    ),
  },
  {
    foundBy: ['A1', 'A9', 'C8'],
    hosts: HOSTS,
    means: 'Who was put out of the cluster is taken for dead, though nobody has looked.',
    name: 'put-out-is-dead',
    plant: readAs((body) =>
      body.kind === 'host' && body.state === 'evicted'
        ? { ...body, restsUntil: body.at, state: 'dead' }
        : body,
    ),
  },
]
