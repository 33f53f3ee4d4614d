/**
 * A simulated kernel as a stage, for where the real one is out of reach: no Linux, or no right to make namespaces. Only the
 * kernel is simulated. Engine, clock, log on disk and the process that is killed are what they are on the real one.
 *
 * Packets are not sent: whether one would arrive is worked out (`canReach`), and that takes the time which is shown.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ipOf, type Ip, type Origin } from '../../events/index.ts'
import { handOf, isOurs, sandboxesOf } from '../kernel/simulated/hand.ts'
import { type Namespace, namespacesOf, type KernelWorld } from '../kernel/simulated/world.ts'
import {
  attachOutside,
  canReach,
  createKernelWorld,
  openSimulatedKernel,
  OUTSIDE_PATH,
  personAt,
  type Place as Somewhere,
} from '../simulator/index.ts'
import { tableName } from '../reconcile/marks.ts'
import { systemPorts } from '../system/ports.ts'
import { killInAttach } from './kill.ts'
import type { OpenKernel } from './lent-kernel.ts'
import type { Outside, Pings, Place, Stage, Visit } from './stage.ts'

/** As on the real stage: TEST-NET-2 (RFC 5737). */
const THERE = '198.51.100.1'
const HERE = '198.51.100.2'

/** How often the scratch directory's removal is tried: LevelDB's threads may be at work still. */
const REMOVALS_MAX = 10

export class SimulatedStage implements Stage {
  readonly engine: {
    readonly dataDir: string
    readonly ports: { readonly openKernel: OpenKernel }
    readonly runDir: string
  }
  readonly host: Place
  readonly where = 'a simulated kernel, with its log on a real disk'
  readonly #doors: Doors = new Set()
  readonly #end = new AbortController()
  readonly #hash = systemPorts().hash
  readonly #scratch = mkdtempSync(join(tmpdir(), 'chronet-demo-'))
  readonly #world = createKernelWorld()

  constructor() {
    const { timers } = systemPorts()
    const openKernel: OpenKernel = (options) =>
      openSimulatedKernel(this.#world, { ...options, hash: this.#hash, timers })
    this.engine = {
      dataDir: join(this.#scratch, 'data'),
      ports: { openKernel },
      runDir: join(this.#scratch, 'run'),
    }
    this.host = this.#somebodyAt('host')
  }

  async enter(netns: string): Promise<Place> {
    return this.#somebodyAt(netns as Somewhere)
  }

  async openOutside(): Promise<Outside> {
    attachOutside(this.#world, { address: `${THERE}/24`, hostAddress: `${HERE}/24` })
    return { address: THERE, host: HERE, place: this.#somebodyAt(OUTSIDE_PATH) }
  }

  closeOutside(): void {
    if (this.#world.mounts.has(OUTSIDE_PATH)) this.#person.unmount(OUTSIDE_PATH)
  }

  async deleteLink(name: string): Promise<void> {
    this.#person.deleteLink(name)
  }

  async flushFirewall(): Promise<void> {
    this.#person.flushFirewall()
  }

  killInAttach(network: string, sandbox: string): Promise<string> {
    const { dataDir, ports, runDir } = this.engine
    return killInAttach({ dataDir, network, runDir, sandbox, signal: this.#end.signal }, ports.openKernel)
  }

  describeLink(name: string): string {
    const { host } = this.#world
    const link = host.named.get(name)
    if (link === undefined) return `no link ${name}`
    return [`${link.kind} ${name} ${link.up ? 'up' : 'down'}`, ...addressesOf(host, name)].join(', ')
  }

  namespaceAt(path: string): string {
    return `net:[${this.#world.mounts.get(path)?.cookie ?? 'none'}]`
  }

  inventory(): readonly string[] {
    const { host, mounts } = this.#world
    return [
      ...[...host.named.keys()].map((name) => `link ${name}`),
      ...host.addresses.map(({ cidr, link }) => `address ${cidr} on ${link.name}`),
      ...host.routes.map(({ dst, link }) => `route to ${dst} by ${link.name}`),
      ...[...host.tables.keys()].map((name) => `table ${name}`),
      ...[...mounts.keys()].map((path) => `namespace ${path}`),
    ].sort()
  }

  marked(origin: string): readonly string[] {
    const runDir = join(this.engine.runDir, origin.slice(0, 12))
    const hand = handOf(this.#world, { hash: this.#hash, origin: origin as Origin, runDir })
    const links = [...hand.host.links.values()].filter((link) => isOurs(hand, link))
    return [
      ...links.map(({ name }) => `link ${name}`),
      ...sandboxesOf(hand).map(([sandbox]) => `namespace ${sandbox}`),
      ...[...hand.host.tables.keys()]
        .filter((name) => name === tableName(hand.origin))
        .map((name) => `table ${name}`),
    ].sort()
  }

  cleanUp(): void {
    this.#end.abort()
    rmSync(this.#scratch, { force: true, maxRetries: REMOVALS_MAX, recursive: true })
  }

  get #person(): ReturnType<typeof personAt> {
    return personAt(this.#world, this.#world.host)
  }

  #somebodyAt(where: Somewhere): Place {
    return new SimulatedPlace(this.#world, where, this.#doors)
  }
}

/** Ports that somebody listens on. */
type Doors = Set<`${string}:${number}`>

class SimulatedPlace implements Place {
  readonly #doors: Doors
  readonly #where: Somewhere
  readonly #world: KernelWorld

  constructor(world: KernelWorld, where: Somewhere, doors: Doors) {
    this.#world = world
    this.#where = where
    this.#doors = doors
  }

  async addresses(ifName: string): Promise<readonly string[]> {
    const ns = this.#where === 'host' ? this.#world.host : this.#world.mounts.get(this.#where)
    return ns === undefined ? [] : addressesOf(ns, ifName)
  }

  async listen(port: number): Promise<void> {
    this.#doors.add(`${this.#where}:${port}`)
  }

  async ping(address: string, count: number): Promise<Pings> {
    const startMs = performance.now()
    const tries = Array.from({ length: count }, () => canReach(this.#world, this.#where, address as Ip))
    const replies = tries.filter(({ reached }) => reached).length
    return { replies, roundTripMs: (performance.now() - startMs) / count, sent: count }
  }

  /** Nobody is waited for: that no answer comes is known at once. */
  async visit(address: string, port: number): Promise<Visit> {
    const startMs = performance.now()
    const { reached, seenAs = '' } = canReach(this.#world, this.#where, address as Ip, `tcp/${port}`)
    const ms = performance.now() - startMs
    if (!reached) return { ms, said: 'ETIMEDOUT' }
    return { ms, said: this.#isOpen(address, port) ? seenAs : 'ECONNREFUSED' }
  }

  #isOpen(address: string, port: number): boolean {
    const isThere = (ns: Namespace): boolean => ns.addresses.some(({ cidr }) => ipOf(cidr) === address)
    return namespacesOf(this.#world).some(
      (ns) => isThere(ns) && this.#doors.has(`${ns.path ?? 'host'}:${port}`),
    )
  }
}

/** IPv4 addresses of a link, with prefix lengths. */
const addressesOf = (ns: Namespace, link: string): readonly string[] =>
  ns.addresses.filter((each) => each.link.name === link && !each.cidr.includes(':')).map(({ cidr }) => cidr)
