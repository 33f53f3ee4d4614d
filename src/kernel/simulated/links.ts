/**
 * Links of the simulated kernel: born, changed, and dead with all that hangs on them.
 */
import { dropInet6, dropLinkInet, takeDownInet, takeUpInet } from './inet.ts'
import { emit, type Link, type Namespace, Refusal, type KernelWorld } from './world.ts'

/** What a link may be born with. */
export type LinkBirth = {
  readonly group?: number
  /** Whether it speaks IPv6; absent: as the namespace's links do (`net.ipv6.conf.default`). */
  readonly ipv6?: boolean
  readonly kind: 'bridge' | 'dummy'
  readonly mac: string
  readonly mtu?: number
  readonly name: string
  readonly stranger?: boolean
}

/** A veth is born with both its ends, in one message: both or neither. */
export type VethBirth = Omit<LinkBirth, 'kind'> & {
  readonly peer: {
    readonly ipv6?: boolean
    readonly mac: string
    readonly name: string
    readonly ns: Namespace
  }
}

const MTU_DEFAULT = 1500
const NAME_BYTES_MAX = 15

/** The link of that name. */
export const linkNamed = (ns: Namespace, name: string): Link | undefined => ns.named.get(name)

/** The ports of a bridge. */
export const portsOf = (bridge: Link): readonly Link[] =>
  [...bridge.ns.links.values()].filter((link) => link.master === bridge)

/** Makes a bridge or dummy, down. Throws EEXIST, ERANGE (a name over 15 bytes). */
export function addLink(world: KernelWorld, ns: Namespace, birth: LinkBirth): Link {
  assertNameFree(ns, birth.name)
  return insert(world, ns, birth.kind, birth)
}

/** Makes a veth pair, both ends down. Throws EEXIST if either name is taken, and nothing is made. */
export function addVeth(world: KernelWorld, ns: Namespace, birth: VethBirth): Link {
  assertNameFree(ns, birth.name)
  assertNameFree(birth.peer.ns, birth.peer.name)
  const { peer, ...here } = birth
  const link = insert(world, ns, 'veth', here)
  const other = insert(world, peer.ns, 'veth', {
    ...(peer.ipv6 === undefined ? {} : { ipv6: peer.ipv6 }),
    mac: peer.mac,
    name: peer.name,
    ...(here.group === undefined ? {} : { group: here.group }),
    ...(here.mtu === undefined ? {} : { mtu: here.mtu }),
    ...(here.stranger === undefined ? {} : { stranger: here.stranger }),
  })
  link.peer = other
  other.peer = link
  return link
}

/** Deletes a link: its peer, addresses and routes go along; ports of a bridge are set free. */
export function deleteLink(world: KernelWorld, link: Link): void {
  assertMayTouch(world, link)
  destroy(world, link)
}

/** Deletes a namespace's mount, and so the namespace, its links and their peers. */
export function deleteNamespace(world: KernelWorld, path: string): void {
  const ns = world.mounts.get(path)
  if (ns === undefined) throw new Refusal('ENOENT', `${path} is not mounted`)
  world.mounts.delete(path)
  ns.binds.delete(path)
  if ([ns.path, ...ns.binds].some((each) => each !== undefined && world.mounts.get(each) === ns)) return
  const die = (): void => {
    for (const link of [...ns.links.values()]) destroy(world, link)
  }
  if (world.later === undefined) die()
  else world.later(die)
}

/** Sets a link up or down, with what the kernel does along: routes, IPv6 addresses, port states. */
export function setUp(world: KernelWorld, link: Link, up: boolean): void {
  assertMayTouch(world, link)
  if (link.up === up) return
  link.up = up
  if (up) takeUpInet(world, link)
  else takeDownInet(world, link)
  if (link.kind === 'bridge') for (const port of portsOf(link)) followBridge(port, up)
  settlePort(link)
  if (link.peer !== undefined) settlePort(link.peer)
  changed(world, link)
}

/** Makes a link speak IPv6 (`disable_ipv6`), or be silent: then its addresses and routes of that family go. */
export function setIpv6(world: KernelWorld, link: Link, on: boolean): void {
  assertMayTouch(world, link)
  if (link.ipv6 === on) return
  link.ipv6 = on
  if (!on) dropInet6(world, link)
}

/** Makes a link a port of a bridge, or of none. Throws EOPNOTSUPP if `master` is no bridge. */
export function setMaster(world: KernelWorld, link: Link, master: Link | undefined): void {
  assertMayTouch(world, link)
  if (link.master === master) return
  if (master !== undefined && master.kind !== 'bridge')
    throw new Refusal('EOPNOTSUPP', `${master.name} takes no ports`)
  const old = link.master
  link.master = master
  link.portState = 'disabled'
  settlePort(link)
  for (const bridge of [old, master]) if (bridge !== undefined) followPorts(bridge)
  changed(world, link)
}

/** Sets the MTU. A bridge without one of its own follows its smallest port. */
export function setMtu(world: KernelWorld, link: Link, mtu: number): void {
  assertMayTouch(world, link)
  link.mtu = mtu
  link.mtuIsSet = true
  if (link.master !== undefined) followPorts(link.master)
  changed(world, link)
}

/** Throws EEXIST. */
export function setName(world: KernelWorld, link: Link, name: string): void {
  assertMayTouch(world, link)
  assertNameFree(link.ns, name)
  link.ns.named.delete(link.name)
  link.ns.named.set(name, link)
  link.name = name
  changed(world, link)
}

/** Group, alias, MAC or port state: what hangs on nothing else. */
export function setPlain(
  world: KernelWorld,
  link: Link,
  values: Partial<Pick<Link, 'alias' | 'group' | 'mac' | 'portState'>>,
): void {
  assertMayTouch(world, link)
  Object.assign(link, values)
  changed(world, link)
}

function insert(world: KernelWorld, ns: Namespace, kind: Link['kind'], birth: Omit<LinkBirth, 'kind'>): Link {
  const link: Link = {
    alias: '',
    group: birth.group ?? 0,
    ifindex: freeIfindex(world, ns),
    ipv6: birth.ipv6 ?? ns.sysctls.get('net.ipv6.conf.default.disable_ipv6') === '0',
    kind,
    mac: birth.mac,
    master: undefined,
    mtu: birth.mtu ?? MTU_DEFAULT,
    mtuIsSet: birth.mtu !== undefined,
    name: birth.name,
    ns,
    peer: undefined,
    portState: 'disabled',
    stranger: birth.stranger ?? false,
    up: false,
  }
  ns.links.set(link.ifindex, link)
  ns.named.set(link.name, link)
  changed(world, link)
  return link
}

/** Indexes count on within a namespace; a kernel reuses one only after the counter has gone round. */
function freeIfindex(world: KernelWorld, ns: Namespace): number {
  if (!world.reuseIfindex) return ns.nextIfindex++
  let index = 2
  while (ns.links.has(index)) index += 1
  ns.nextIfindex = Math.max(ns.nextIfindex, index + 1)
  return index
}

function destroy(world: KernelWorld, link: Link): void {
  if (!link.ns.links.delete(link.ifindex)) return
  link.ns.named.delete(link.name)
  dropLinkInet(world, link)
  for (const port of portsOf(link)) {
    port.master = undefined
    port.portState = 'disabled'
  }
  if (link.master !== undefined) followPorts(link.master)
  changed(world, link)
  if (link.peer !== undefined) destroy(world, link.peer)
}

/** Is a cable plugged in, so to speak: are both ends up? */
export const hasCarrier = (link: Link): boolean => link.up && (link.peer?.up ?? true)

/** br_port_carrier_check: under a bridge that is up, a port's carrier decides; what listens goes on listening. */
function settlePort(link: Link): void {
  if (link.master?.up !== true) return
  if (!hasCarrier(link)) link.portState = 'disabled'
  else if (link.portState === 'disabled') link.portState = 'forwarding'
}

/** br_stp_enable_bridge and br_stp_disable_bridge. */
function followBridge(port: Link, up: boolean): void {
  if (!up) port.portState = 'disabled'
  else if (hasCarrier(port)) port.portState = 'forwarding'
}

/** br_mtu_auto_adjust in br_if.c. */
function followPorts(bridge: Link): void {
  if (bridge.mtuIsSet) return
  const mtus = portsOf(bridge).map((port) => port.mtu)
  bridge.mtu = mtus.length === 0 ? MTU_DEFAULT : Math.min(...mtus)
}

function assertNameFree(ns: Namespace, name: string): void {
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) throw new Refusal('ERANGE', `${name} is over 15 bytes`)
  if (linkNamed(ns, name) !== undefined) throw new Refusal('EEXIST', `a link ${name} exists already`)
}

/** What a person made, no engine changes. Found here, it is our defect, not a refusal. */
function assertMayTouch(world: KernelWorld, link: Link): void {
  if (world.acting === undefined || !link.stranger) return
  const defect = `an engine changed the stranger's link ${link.name}`
  world.defects.push(defect)
  throw new Error(`chronet defect: ${defect}`)
}

const changed = (world: KernelWorld, link: Link): void =>
  emit(world, { ns: link.ns, subject: link.name, what: 'link' })
