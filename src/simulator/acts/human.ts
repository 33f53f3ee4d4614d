/** People at the machine: they delete, rename and flush what is ours, and make what is not. */
import { Refusal, type Link } from '../../kernel/simulated/world.ts'
import type { Person } from '../../kernel/simulated/humans.ts'
import { groupOf } from '../../reconcile/marks.ts'
import { sha256 } from '../../system/hash.ts'
import type { Chance } from '../chance.ts'
import type { Host } from '../host.ts'
import { act, MINUTE, type ActKindOf, type Scene } from './act.ts'

/** What somebody types, and where: in the first namespace, or in a sandbox's by its id. */
type Typed = { readonly args: readonly unknown[]; readonly at: string }

/** Where a command is given: its names are those of what is there. */
type Where = { readonly at: string; readonly host: Host; readonly links: readonly string[] }

/** One verb of a person. `args` gives what to type, or undefined: there is nothing to do it to. */
function typed(
  verb: keyof Person,
  args: (chance: Chance, where: Where) => readonly unknown[] | undefined,
  everyMs = 4 * MINUTE,
): ActKindOf<Typed> {
  return act<Typed>({
    draw: (chance, scene) => {
      const where = whereOf(chance, scene)
      const given = where && args(chance, where)
      return where && given && { args: given, at: where.at }
    },
    everyMs,
    perform: ({ host }, { args: given, at }) => {
      try {
        const person = at === 'host' ? host.person : host.personIn(at)
        ;(person[verb] as (...given: readonly unknown[]) => void)(...given)
      } catch (error) {
        // As on a real machine: what is not there any more is complained of, and that is all.
        if (!(error instanceof Refusal) && !String(error).includes('has no namespace')) throw error
      }
    },
  })
}

/** Three times in four the host's own namespace, with the links that are ours; else a sandbox's. */
function whereOf(chance: Chance, { host }: Scene): Where | undefined {
  const boxes = [...host.kernel.world.mounts].filter(([path]) => path.includes('/netns/'))
  const box = chance.oneIn(4) && boxes.length > 0 ? chance.pick(boxes) : undefined
  const ns = box?.[1] ?? host.kernel.world.host
  const links = ownLinks([...ns.links.values()])
  return { at: box?.[0].split('/').at(-1) ?? 'host', host, links: links.map(({ name }) => name) }
}

/** All that engines have made. */
const ownLinks = (links: readonly Link[]): readonly Link[] =>
  links.filter(({ name, stranger }) => name !== 'lo' && !stranger)

type Args = (chance: Chance, where: Where) => readonly unknown[] | undefined

/** One of the links that are there, and more. */
const link =
  (more: (chance: Chance, where: Where, name: string) => readonly unknown[] = () => []): Args =>
  (chance, where) => {
    if (where.links.length === 0) return undefined
    const name = chance.pick(where.links)
    return [name, ...more(chance, where, name)]
  }

const table: Args = (_chance, { at, host }) => {
  const name = [...host.kernel.world.host.tables.keys()].find((each) => each.startsWith('chronet'))
  return at !== 'host' || name === undefined ? undefined : [name]
}

const onHost =
  (args: Args): Args =>
  (chance, where) =>
    where.at === 'host' ? args(chance, where) : undefined

const inBox =
  (args: Args): Args =>
  (chance, where) =>
    where.at === 'host' ? undefined : args(chance, where)

/** An address that lies on one of the links. */
const address: Args = (chance, { at, host, links }) => {
  const ns = at === 'host' ? host.kernel.world.host : host.kernel.world.mounts.get(host.netnsPath(at))
  const there = ns?.addresses.filter((each) => links.includes(each.link.name)) ?? []
  if (there.length === 0) return undefined
  const { cidr, link: on } = chance.pick(there)
  return [on.name, cidr]
}

/** Of ours, or one that the kernel made along with an address of ours. */
const route: Args = (chance, { at, host }) => {
  const ns = at === 'host' ? host.kernel.world.host : host.kernel.world.mounts.get(host.netnsPath(at))
  const ours = ns?.routes.filter(({ link: by }) => !by.stranger) ?? []
  return ours.length === 0 ? undefined : [chance.pick(ours).dst]
}

/** Takes our mark away. What does not bear it no engine may touch, so in the end somebody deletes what was disfigured. */
const setGroup = act<{ readonly group: number; readonly name: string }>({
  draw: (chance, { host }) => {
    const ours = ownLinks(host.kernel.links())
    return ours.length === 0 ? undefined : { group: chance.int(3), name: chance.pick(ours).name }
  },
  everyMs: 4 * MINUTE,
  perform: ({ atHeal, host }, { group, name }) => {
    const link = host.kernel.links().find((each) => each.name === name)
    if (link === undefined || link.group === group) return
    host.person.setGroup(name, group)
    atHeal(() => {
      if (host.kernel.links().includes(link) && link.group === group) host.person.deleteLink(link.name)
    })
  },
})

const renameHostLink = act<{ readonly name: string; readonly to: string }>({
  draw: (chance, { host }) => {
    const ours = ownLinks(host.kernel.links())
    return ours.length === 0 ? undefined : { name: chance.pick(ours).name, to: `mine${chance.int(4)}` }
  },
  everyMs: 4 * MINUTE,
  perform: ({ host }, { name, to }) => {
    const names = host.kernel.links().map((each) => each.name)
    if (names.includes(name) && !names.includes(to)) host.person.renameLink(name, to)
  },
})

/** Another program that takes a link away whenever it is there. */
const fight = act<{ readonly everyMs: number; readonly name: string; readonly times: number }>({
  draw: (chance, { host }) => {
    const ours = ownLinks(host.kernel.links())
    if (ours.length === 0) return undefined
    return {
      everyMs: chance.pick([60, 100, 300]),
      name: chance.pick(ours).name,
      times: chance.between(20, 60),
    }
  },
  everyMs: 4 * MINUTE,
  perform: ({ host, later }, { everyMs, name, times }) => {
    for (let time = 0; time < times; time++)
      later(time * everyMs, () => {
        if (ownLinks(host.kernel.links()).some((each) => each.name === name)) host.person.deleteLink(name)
      })
  },
})

const foreignLink: Args = (chance, { host }) => {
  const group = host.origin === undefined ? 0 : groupOf(sha256, host.origin) + chance.int(2)
  const kind = chance.pick(['bridge', 'dummy'] as const)
  return [{ kind, name: `theirs${chance.int(4)}`, ...(chance.oneIn(2) ? { group } : {}) }]
}

/** A container ends, and its runtime takes the namespace away; soon there is another one at the same path, perhaps. */
const endNetns = act<{ readonly path: string }>({
  draw: (chance, { host }) => {
    const paths = [...host.kernel.world.mounts.keys()].filter((path) => path.startsWith('/run/netns/'))
    return paths.length === 0 ? undefined : { path: chance.pick(paths) }
  },
  everyMs: MINUTE,
  perform: ({ host }, { path }) => {
    if (host.kernel.world.mounts.has(path)) host.person.unmount(path)
  },
})

export const humanActs = {
  'human.delete-address': typed('removeAddress', address),
  'human.delete-link': typed('deleteLink', link(), 2 * MINUTE),
  'human.delete-route': typed('deleteRoute', route),
  'human.delete-table': typed('deleteTable', table),
  'human.disable-ipv6': typed('disableIpv6', link()),
  'human.down-link': typed('downLink', link()),
  'human.end-netns': endNetns,
  'human.fight': fight,
  'human.flush-firewall': typed(
    'flushFirewall',
    onHost(() => []),
  ),
  'human.flush-maps': typed('flushMaps', table),
  'human.flush-table': typed('flushTable', table),
  'human.foreign-link': typed('addForeignLink', onHost(foreignLink)),
  'human.foreign-table': typed(
    'addForeignTable',
    onHost((chance) => [`theirs${chance.int(2)}`]),
  ),
  'human.rename-host-link': renameHostLink,
  'human.rename-link': typed('renameLink', inBox(link((chance) => [`mine${chance.int(4)}`]))),
  'human.set-group': setGroup,
  'human.set-mtu': typed(
    'setMtu',
    link((chance) => [chance.pick([576, 1300, 1500])]),
  ),
  'human.set-sysctl': typed(
    'setSysctl',
    onHost((chance) => [chance.pick(['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']), '0']),
  ),
  'human.unmount': typed(
    'unmount',
    onHost((chance, { host }) => {
      const paths = [...host.kernel.world.mounts.keys()].filter((path) => path.includes('/netns/'))
      return paths.length === 0 ? undefined : [chance.pick(paths)]
    }),
  ),
  'human.unplug': typed('unplug', onHost(link())),
}
