/**
 * What people and other programs do to a machine: `ip`, `nft` and `umount` by hand. For tests and simulations: each
 * function is one command, and the engine hears of it only by notification.
 */
import { familyOf, ipOf, type Cidr, type IfName, type Ip } from '../../../events/index.ts'
import { addAddress, addRoute, deleteAddress, deleteRoute } from './inet.ts'
import {
  addLink,
  addVeth,
  deleteLink,
  deleteNamespace,
  linkNamed,
  setIpv6,
  setMaster,
  setMtu,
  setName,
  setPlain,
  setUp,
} from './links.ts'
import { deleteTable, deleteTableNetwork, flushMaps, flushTable } from './tables.ts'
import {
  addNamespace,
  emit,
  type Flow,
  type Link,
  type Namespace,
  Refusal,
  type KernelWorld,
} from './world.ts'

/** Where a person sits: a machine, and a namespace of it. Names of links are looked up there. */
export type Person = ReturnType<typeof personAt>

/** A person in a namespace, or wherever `place` says at the time. Everything throws a `Refusal` as the commands would print it. */
export function personAt(world: KernelWorld, place: Namespace | (() => Namespace)) {
  const at = typeof place === 'function' ? place : () => place
  return {
    ...linkCommands(world, at),
    ...firewallCommands(world, at),
    /** `ip netns add`: another's namespace. */
    addNamespace: (path: string): void => void addNamespace(world, path),
    /** A connection to an address, which is taken to arrive. The function ends it; nothing else does, but a reboot. */
    converse: (to: string): (() => void) => converse(world, at(), to as Ip),
    /** `sysctl -w`. */
    setSysctl: (name: string, value: string): void => void at().sysctls.set(name, value),
    /** `umount`: a namespace's mount goes, and the namespace with it. */
    unmount: (path: string): void => deleteNamespace(world, path),
  }
}

/** The `ip` command. */
function linkCommands(world: KernelWorld, at: () => Namespace) {
  const link = (name: string): Link => needLink(at(), name)
  return {
    /** `ip addr add`. */
    addAddress: (name: string, cidr: string): void => addAddress(world, link(name), cidr as Cidr),
    /** `ip link add` of a link that is nobody's business of ours. An engine that changes it has a defect. */
    addForeignLink: (birth: { group?: number; kind: 'bridge' | 'dummy'; mac?: string; name: string }): void =>
      void addLink(world, at(), { mac: macNamed(birth.name), ...birth, stranger: true }),
    /** `ip route add`, protocol boot. */
    addForeignRoute: (dst: string, name: string, via?: string): void =>
      addRoute(world, {
        dst: dst as Cidr,
        link: link(name),
        protocol: PROTOCOL_BOOT,
        via: via as Ip | undefined,
      }),
    /** `ip link del`. */
    deleteLink: (name: string): void => deleteLink(world, link(name)),
    /** `ip route del`. */
    deleteRoute: (dst: string): void => {
      const route = at().routes.find((each) => each.dst === dst)
      if (route === undefined) throw new Refusal('ESRCH', `no route to ${dst}`)
      deleteRoute(world, route)
    },
    /** `sysctl -w net.ipv6.conf.<link>.disable_ipv6=1`. */
    disableIpv6: (name: string): void => setIpv6(world, link(name), false),
    /** `ip link set down`. */
    downLink: (name: string): void => setUp(world, link(name), false),
    /** `ip addr del`. */
    removeAddress: (name: string, cidr: string): void => {
      if (!deleteAddress(world, link(name), cidr as Cidr))
        throw new Refusal('EADDRNOTAVAIL', `${name} has no ${cidr}`)
    },
    /** `ip link set name`. */
    renameLink: (name: string, to: string): void => setName(world, link(name), to),
    /** `ip link set group`. */
    setGroup: (name: string, group: number): void => setPlain(world, link(name), { group }),
    /** `ip link set mtu`. */
    setMtu: (name: string, mtu: number): void => setMtu(world, link(name), mtu),
    /** `ip link set nomaster`. */
    unplug: (name: string): void => setMaster(world, link(name), undefined),
    /** `ip link set up`. */
    upLink: (name: string): void => setUp(world, link(name), true),
  }
}

/** The `nft` command. */
function firewallCommands(world: KernelWorld, at: () => Namespace) {
  return {
    /** A table that is not ours; `drops`: its forward chain has policy drop. */
    addForeignTable: (name: string, drops = false): void => {
      const ns = at()
      ns.tables.set(name, { drops, intact: true, name, networks: new Map() })
      emit(world, { ns, subject: name, what: 'nft' })
    },
    /** `nft delete table inet`. */
    deleteTable: (name: string): void => {
      if (!deleteTable(world, at(), name)) throw new Refusal('ENOENT', `no table inet ${name}`)
    },
    /** `nft delete element` and `nft delete chain` of one network. */
    deleteTableNetwork: (table: string, bridge: string): void =>
      void deleteTableNetwork(world, at(), { bridge: bridge as IfName, table }),
    /** `nft flush ruleset`: all tables go, strangers' too. */
    flushFirewall: (): void => {
      for (const name of [...at().tables.keys()]) deleteTable(world, at(), name)
    },
    /** `nft flush map inet`, all maps: the elements go. */
    flushMaps: (name: string): void => flushMaps(world, at(), name),
    /** `nft flush table inet`: the rules go. */
    flushTable: (name: string): void => flushTable(world, at(), name),
  }
}

function converse(world: KernelWorld, ns: Namespace, to: Ip): () => void {
  const from = ns.addresses.find(({ cidr }) => familyOf(cidr) === familyOf(to))
  if (from === undefined) throw new Refusal('ENETUNREACH', `there is no address to reach ${to} from`)
  const flow: Flow = { ends: [ipOf(from.cidr), to] }
  world.flows?.add(flow)
  return () => void world.flows?.delete(flow)
}

/** The world beyond the host: another machine, by a cable to the host namespace. */
export type OutsideOptions = {
  /** Of the outside end, with prefix length. */
  readonly address: string
  /** Of the host's end, in the same subnet. */
  readonly hostAddress: string
  /** Subnets that the outside host routes back to us, as nobody does by default: then it sees no masquerading. */
  readonly routesBack?: readonly string[]
}

/** Where {@link attachOutside} mounts its namespace: the place to give to `canReach`. */
export const OUTSIDE_PATH = '/run/outside'
/** The host's end of the cable. */
export const UPLINK = 'uplink0'

/** Puts a machine outside, cabled to the host's namespace (`uplink0` here, `eth0` there), with a default route to it. */
export function attachOutside(world: KernelWorld, options: OutsideOptions): void {
  const outside = addNamespace(world, OUTSIDE_PATH)
  const peer = { mac: macNamed('outside'), name: 'eth0', ns: outside }
  const uplink = addVeth(world, world.host, { mac: macNamed(UPLINK), name: UPLINK, peer, stranger: true })
  for (const end of [uplink, needLink(outside, 'eth0')]) setUp(world, end, true)
  const here = personAt(world, world.host)
  const there = personAt(world, outside)
  here.addAddress(UPLINK, options.hostAddress)
  there.addAddress('eth0', options.address)
  const gateway = options.hostAddress.split('/')[0]
  for (const subnet of options.routesBack ?? []) there.addForeignRoute(subnet, 'eth0', gateway)
  here.addForeignRoute(
    options.address.includes(':') ? '::/0' : '0.0.0.0/0',
    UPLINK,
    options.address.split('/')[0],
  )
}

const PROTOCOL_BOOT = 3

function needLink(ns: Namespace, name: string): Link {
  const link = linkNamed(ns, name)
  if (link === undefined) throw new Refusal('ENODEV', `there is no link ${name}`)
  return link
}

/** Some MAC, locally administered, the same for the same name. */
const macNamed = (name: string): string =>
  `02:${Buffer.from(name.padEnd(5, '.').slice(-5)).toString('hex').match(/../g)?.join(':') ?? ''}`
