/** Clients: the load, and what they do when they are impatient. */
import type { ClientCommand, CommandId } from '../../../events/index.ts'
import type { Asking } from '../clients.ts'
import {
  drawChangeOfMind,
  drawCommand,
  drawFittingCommand,
  drawOddCommand,
  NAMESPACES,
  NETWORKS,
  SANDBOXES,
  type Exists,
} from '../commands.ts'
import type { Chance } from '../chance.ts'
import { uuidFrom } from '../ids.ts'
import { act, MINUTE, type Scene } from './act.ts'

/** What can be asked of a thing that is there, by its kind. */
const ENDS: ReadonlyMap<string, readonly ((id: string, chance: Chance) => ClientCommand)[]> = new Map([
  [
    'endpoint',
    [
      (endpoint) => ({ data: { endpoint, force: true }, type: 'endpoint.delete' }),
      (endpoint) => ({ data: { endpoint }, type: 'endpoint.leave' }),
      (endpoint, chance) => ({ data: { endpoint, sandbox: chance.pick(SANDBOXES) }, type: 'endpoint.join' }),
    ],
  ],
  ['network', [(network) => ({ data: { network }, type: 'network.delete' })]],
  ['sandbox', [(sandbox) => ({ data: { sandbox }, type: 'sandbox.delete' })]],
])

type Some = { readonly all: readonly Asking[] }

/** For a client's command. */
export const newId = (chance: Chance): CommandId => {
  const hex = Array.from({ length: 3 }, () => chance.bits().toString(16).padStart(8, '0')).join('')
  return uuidFrom(hex, 1_767_225_600_000)
}

const asking = (chance: Chance, command: ClientCommand): Asking => ({
  command,
  id: newId(chance),
  ...(chance.oneIn(6) ? { settle: 'durable' as const } : {}),
})

/** What the host's engine shows now; nothing, where none runs. */
export const existing = ({ host }: Scene): Exists => {
  if (!host.isUp) return () => false
  const { queries } = host.controller
  const all = { endpoint: 'endpoints', network: 'networks', sandbox: 'sandboxes' } as const
  const names = new Map<string, ReadonlySet<string>>()
  return (kind, name) => {
    const known = names.get(kind) ?? new Set(queries[all[kind]]().map((each) => each.name))
    names.set(kind, known)
    return known.has(name)
  }
}

const drawFitting = (chance: Chance, exists: Exists): Asking =>
  asking(chance, drawFittingCommand(chance, exists))

export const askAll = ({ clients, host }: Scene, { all }: Some): void =>
  all.forEach((each) => clients.ask(host, each))

export const clientActs = {
  /** One command after another: the load, which is always there. */
  'client.ask': act<Some>({
    draw: (chance, scene) => ({ all: [drawFitting(chance, existing(scene))] }),
    everyMs: 9000,
    perform: askAll,
  }),
  /** Many at once. */
  'client.burst': act<Some>({
    draw: (chance, scene) => {
      const exists = existing(scene)
      return { all: Array.from({ length: chance.between(2, 12) }, () => drawFitting(chance, exists)) }
    },
    everyMs: MINUTE,
    perform: askAll,
  }),
  /** Changes its mind: asks for something, and a moment later, not having waited, for its end; perhaps for it again. */
  'client.change-of-mind': act<{ readonly all: readonly (Asking & { readonly afterMs: number })[] }>({
    draw: (chance, scene) => {
      const commands = drawChangeOfMind(chance, existing(scene))
      const pauseMs = chance.pick([0, 1, 3, 10, 40])
      return { all: commands.map((command, nth) => ({ ...asking(chance, command), afterMs: nth * pauseMs })) }
    },
    everyMs: 30_000,
    perform: ({ clients, host, later }, { all }) => {
      for (const { afterMs, ...each } of all) later(afterMs, () => void clients.ask(host, each))
    },
  }),
  /** Gives up waiting. */
  'client.cancel': act<Some>({
    draw: (chance, scene) => ({
      all: [{ ...drawFitting(chance, existing(scene)), cancelMs: chance.int(20) }],
    }),
    everyMs: MINUTE,
    perform: askAll,
  }),
  /** Acts on what it has seen, and on nothing else: a stream is where it was, or by then has gone on. */
  'client.expect': act<Some & { readonly afterMs: number }>({
    draw: (chance, { host }) => {
      if (!host.isUp) return undefined
      const all = [...host.controller.engine.log.checkpoint().versions]
      const some = all.filter(([stream]) => ENDS.has(stream.split('/')[0] ?? ''))
      if (some.length === 0) return undefined
      const [stream, version] = chance.pick(some)
      const [kind = '', id = ''] = stream.split('/')
      const command = chance.pick(ENDS.get(kind) ?? [])(id, chance)
      return {
        afterMs: chance.pick([0, 0, 5, 2000]),
        all: [{ command, expect: [{ stream, version }], id: newId(chance) }],
      }
    },
    everyMs: 30_000,
    perform: (scene, { afterMs, ...some }) => scene.later(afterMs, () => askAll(scene, some)),
  }),
  /** Takes every address that a network has, and gives them back later. */
  'client.fill': act<{
    readonly all: readonly Asking[]
    readonly ends: readonly Asking[]
    readonly forMs: number
  }>({
    draw: (chance) => {
      const at = chance.pick(NETWORKS)
      const names = Array.from({ length: 15 }, (_, nth) => `f${nth}-${at}`)
      return {
        all: names.map((name) => asking(chance, { data: { name, network: at }, type: 'endpoint.create' })),
        ends: names.map((name) =>
          asking(chance, { data: { endpoint: name, force: true }, type: 'endpoint.delete' }),
        ),
        forMs: chance.pick([1000, 30_000]),
      }
    },
    everyMs: 4 * MINUTE,
    perform: (scene, { all, ends, forMs }) => {
      askAll(scene, { all })
      scene.later(forMs, () => askAll(scene, { all: ends }))
    },
  }),
  /** A container runtime makes a namespace, which a sandbox may take; where there is one already, it is content. */
  'client.make-netns': act<{ readonly path: string }>({
    draw: (chance) => ({ path: chance.pick(NAMESPACES) }),
    everyMs: 20_000,
    perform: ({ host }, { path }) => {
      if (!host.kernel.world.mounts.has(path)) host.person.addNamespace(path)
    },
  }),
  /** What makes no sense. */
  'client.odd': act<Some>({
    draw: (chance) => ({ all: [asking(chance, drawOddCommand(chance))] }),
    everyMs: MINUTE,
    perform: askAll,
  }),
  /** The same again with the same id, whether it was answered or not; several times at once, perhaps. */
  'client.retry': act<Some & { readonly times: number }>({
    draw: (chance, { clients, host }) => {
      const mine = [...clients.asked.values()].filter((each) => each.host === host)
      const unknown = mine.filter((each) => each.isUnknown)
      const from = unknown.length > 0 && !chance.oneIn(3) ? unknown : mine.slice(-20)
      if (from.length === 0) return undefined
      const { command, expect, id } = chance.pick(from)
      const again = { command, ...(expect ? { expect } : {}), id }
      return { all: [again], times: chance.between(1, 3) }
    },
    everyMs: 15_000,
    perform: ({ clients, host }, { all, times }) => {
      for (let time = 0; time < times; time++) for (const each of all) clients.ask(host, each)
    },
  }),
  /** The same again with a new id, as clients do that forget theirs. */
  'client.retry-anew': act<Some>({
    draw: (chance, { clients, host }) => {
      const mine = [...clients.asked.values()].filter((each) => each.host === host).slice(-10)
      if (mine.length === 0) return undefined
      return { all: [{ command: chance.pick(mine).command, id: newId(chance) }] }
    },
    everyMs: MINUTE,
    perform: askAll,
  }),
  /** An id of somebody else's command, with other data. */
  'client.reuse-id': act<Some>({
    draw: (chance, { clients, host }) => {
      const mine = [...clients.asked.values()].filter((each) => each.host === host && each.answers.length > 0)
      if (mine.length === 0) return undefined
      return { all: [{ command: drawCommand(chance), id: chance.pick(mine).id }] }
    },
    everyMs: 2 * MINUTE,
    perform: ({ host }, { all }) => {
      // Not written down with the one whose id it is: it is refused, and that one's fate is as it was.
      if (!host.isUp) return
      for (const { command, id } of all) host.controller.dispatch(command, { id }).catch(() => undefined)
    },
  }),
}
