/**
 * The real kernel as a stage: the namespaces that this process was started in (`npm start` makes them) are the host, and a
 * temporary directory has the log. Everything here looks and acts by sockets of its own, never by chronet's.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Origin } from '../../events/index.ts'
import { libc, MNT_DETACH } from '../kernel/linux/libc.ts'
import { Mark } from '../kernel/linux/mark.ts'
import { Namespace } from '../kernel/linux/namespaces.ts'
import {
  Attributes,
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  NetlinkSocket,
  NLM_F_DUMP,
  Writer,
} from '../kernel/linux/netlink.ts'
import { header, HEADER_BYTES, MESSAGE, TABLE } from '../kernel/linux/nftables/protocol.ts'
import { tableName } from '../reconcile/marks.ts'
import { killInAttach } from './kill.ts'
import { OutsideWorld } from './outside.ts'
import { Somebody } from './place.ts'
import type { Outside, Stage } from './stage.ts'

/** How often the scratch directory's removal is tried. */
const REMOVALS_MAX = 10

export class LinuxStage implements Stage {
  readonly engine: { readonly dataDir: string; readonly runDir: string }
  readonly host: Somebody
  readonly where = `Linux ${release().split('.', 2).join('.')}, in a scratch namespace`
  readonly #end = new AbortController()
  readonly #ns = new Namespace('host', undefined, NetlinkSocket.open(NETLINK_ROUTE))
  readonly #nft = NetlinkSocket.open(NETLINK_NETFILTER)
  readonly #people: Somebody[] = []
  readonly #scratch: string
  #outside: OutsideWorld | undefined

  private constructor(host: Somebody, scratch: string) {
    this.host = host
    this.#people.push(host)
    this.#scratch = scratch
    this.engine = { dataDir: join(scratch, 'data'), runDir: join(scratch, 'run') }
  }

  static async open(): Promise<LinuxStage> {
    const host = await Somebody.enter('host')
    return new LinuxStage(host, mkdtempSync(join(tmpdir(), 'chronet-demo-')))
  }

  async enter(netns: string): Promise<Somebody> {
    const somebody = await Somebody.enter(netns)
    this.#people.push(somebody)
    return somebody
  }

  async openOutside(): Promise<Outside> {
    return (this.#outside = await OutsideWorld.open(this.#ns))
  }

  closeOutside(): void {
    this.#outside?.close()
    this.#outside = undefined
  }

  deleteLink(name: string): Promise<void> {
    return this.host.deleteLink(name)
  }

  flushFirewall(): Promise<void> {
    return this.host.flushRuleset()
  }

  killInAttach(network: string, sandbox: string): Promise<string> {
    const { dataDir, runDir } = this.engine
    return killInAttach({ dataDir, network, runDir, sandbox, signal: this.#end.signal })
  }

  describeLink(name: string): string {
    const link = this.#ns.find(name)
    if (link === undefined) return `no link ${name}`
    const addresses = this.#ns
      .addresses()
      .filter(({ address, index }) => index === link.index && isIpv4(address))
    const words = [
      `${link.kind} ${name} ${link.up ? 'up' : 'down'}`,
      ...addresses.map(({ address }) => address),
    ]
    return words.join(', ')
  }

  namespaceAt(path: string): string {
    return `net:[${statSync(path).ino}]`
  }

  inventory(): readonly string[] {
    const nameOf = new Map(this.#ns.links().map(({ index, name }) => [index, name]))
    return [
      ...[...nameOf.values()].map((name) => `link ${name}`),
      ...this.#ns
        .addresses()
        .map(({ address, index }) => `address ${address} on ${nameOf.get(index) ?? index}`),
      ...this.#ns.routes().map(({ dst, index }) => `route to ${dst} by ${nameOf.get(index) ?? index}`),
      ...this.#tables().map((name) => `table ${name}`),
      ...this.#namespaces().map((name) => `namespace ${name}`),
      ...this.#mounts().map((path) => `mount ${path}`),
    ].sort()
  }

  marked(origin: string): readonly string[] {
    const mark = new Mark(origin as Origin)
    const links = this.#ns.links().filter((link) => mark.isOurs(link))
    return [
      ...links.map(({ name }) => `link ${name}`),
      ...this.#namespaces().map((name) => `namespace ${name}`),
      ...this.#tables()
        .filter((name) => name === tableName(mark.origin))
        .map((name) => `table ${name}`),
    ].sort()
  }

  cleanUp(): void {
    this.#end.abort()
    for (const somebody of this.#people) somebody.leave()
    this.closeOutside()
    for (let tries = 1; !this.#removeScratch() && tries < REMOVALS_MAX; tries++);
  }

  /** False: the engine's threads were at work still, and have made a file or mounted a namespace meanwhile. */
  #removeScratch(): boolean {
    for (const path of this.#mounts()) libc().umount2(path, MNT_DETACH)
    try {
      rmSync(this.#scratch, { force: true, recursive: true })
      return true
    } catch {
      return false
    }
  }

  /** Names of nftables tables, of all families. */
  #tables(): readonly string[] {
    const dump = header(new Writer().begin(MESSAGE.getTable, NLM_F_DUMP), 0).end()
    return this.#nft.dump(dump, ({ body }) => {
      for (const a = new Attributes(body, HEADER_BYTES); a.next();) if (a.type === TABLE.name) return a.text()
      return undefined
    })
  }

  /** What lies where the engine's namespaces should be, mounted or not. */
  #namespaces(): readonly string[] {
    const { runDir } = this.engine
    return list(runDir).flatMap((origin) => list(join(runDir, origin, 'netns')))
  }

  /** Mount points under the scratch directory (proc_pid_mountinfo(5): blanks are written in octal). */
  #mounts(): readonly string[] {
    const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
    const points = lines.map((line) => line.split(' ')[4] ?? '')
    const paths = points.map((text) => text.replace(/\\(\d{3})/g, (_, octal: string) => byte(octal)))
    return paths.filter((path) => path.startsWith(this.#scratch))
  }
}

const isIpv4 = (address: string): boolean => !address.includes(':')

const byte = (octal: string): string => String.fromCharCode(parseInt(octal, 8))

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
