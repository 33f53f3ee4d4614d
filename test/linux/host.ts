/**
 * A host for engines: a network namespace of its own, a data and a run directory. `ip` and `nft` are the other people
 * on it, and the oracle: {@link RealHost.check} compares what they print with what a controller says there is, thing by thing.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { createController, type Controller, type ControllerOptions } from '../../src/index.ts'
import { tableName } from '../../src/reconcile/marks.ts'
import type { Origin } from '../../events/index.ts'
import type { SandboxView } from '../../projections/index.ts'
import type { Said } from './said.ts'

const exec = promisify(execFile)

/** Runs a program; its output. Rejects with what it said. */
export const run = async (file: string, ...args: readonly string[]): Promise<string> =>
  (await exec(file, [...args], { maxBuffer: 1 << 26 })).stdout

type Shown = Readonly<Record<string, unknown>>

let made = 0

export class RealHost implements AsyncDisposable {
  readonly base: string
  readonly #name: string
  readonly #others: string[] = []

  private constructor(name: string, base: string) {
    this.#name = name
    this.base = base
  }

  static async make(): Promise<RealHost> {
    const name = `host${process.pid}-${++made}`
    await run('ip', 'netns', 'add', name)
    return new RealHost(name, await mkdtemp(join(tmpdir(), 'chronet-host-')))
  }

  get dataDir(): string {
    return join(this.base, 'data')
  }

  get netns(): string {
    return `/run/netns/${this.#name}`
  }

  get runDir(): string {
    return join(this.base, 'run')
  }

  open(options: ControllerOptions = {}): Promise<Controller> {
    const { dataDir, netns, runDir } = this
    return createController({ dataDir, hostNetns: netns, runDir, ...options })
  }

  /** Another namespace of this boot. Its path. */
  async addNamespace(): Promise<string> {
    const name = `${this.#name}-${this.#others.length}`
    await run('ip', 'netns', 'add', name)
    this.#others.push(name)
    return `/run/netns/${name}`
  }

  /** Runs a command line in a namespace, given by its path. Arguments are split at blanks. */
  in(netns: string, command: string): Promise<string> {
    return run('nsenter', `--net=${netns}`, ...command.split(' '))
  }

  /** Runs a line of shell in a namespace, given by its path. */
  static in(netns: string, line: string): Promise<string> {
    return run('nsenter', `--net=${netns}`, 'sh', '-c', line)
  }

  /** The same on the host. */
  do(command: string): Promise<string> {
    return this.in(this.netns, command)
  }

  async json(netns: string, command: string): Promise<readonly Shown[]> {
    return JSON.parse((await this.in(netns, command)) || '[]') as readonly Shown[]
  }

  /** All that `ip` and `nft` show of the host and of these namespaces, with indexes. Equal text, equal kernels. */
  async text(netnsPaths: readonly string[] = []): Promise<string> {
    const commands = ['ip link', 'ip addr', 'ip route', 'ip -6 route', 'nft -a list ruleset']
    const shown: string[] = []
    for (const path of [this.netns, ...netnsPaths])
      for (const command of commands) shown.push(`${path} ${command}`, await this.in(path, command))
    // The kernel by itself makes link-local addresses valid, some time after it gave them.
    return shown.join('\n').replace(/ tentative/g, '')
  }

  /** Paths of namespaces that are mounted under our directories (proc_pid_mountinfo(5): the fifth field). */
  async mounted(): Promise<string[]> {
    const table = await readFile('/proc/self/mountinfo', 'utf8')
    const paths = table.split('\n').map((line) => line.split(' ')[4] ?? '')
    return paths.filter((path) => path.startsWith(`${this.runDir}/`))
  }

  /** Nothing more and nothing less is there than what a controller says. */
  async check(there: Said): Promise<void> {
    await this.#checkLinks(there)
    await this.#checkFirewall(there)
    await this.#checkNamespaces(there)
    await Promise.all(there.sandboxes.map((sandbox) => this.#checkSandbox(there, sandbox)))
  }

  async #checkLinks({ endpoints, networks }: Said): Promise<void> {
    const shown = (await this.json(this.netns, 'ip -j -d addr')).filter(({ ifname }) => ifname !== 'lo')
    const links = shown.map(({ flags, ifalias, ifname, master }) => ({
      alias: typeof ifalias === 'string',
      master,
      name: ifname,
      up: (flags as string[]).includes('UP'),
    }))
    const bridges = networks.map(({ bridge: { name } }) => ({
      alias: true,
      master: undefined,
      name,
      up: true,
    }))
    const bridgeOf = (id: string): unknown => networks.find((network) => network.id === id)?.bridge.name
    const veths = endpoints.flatMap(({ link, network }) =>
      link === undefined ? [] : [{ alias: true, master: bridgeOf(network), name: link.name, up: true }],
    )
    expect(sorted(links), 'links').toEqual(sorted([...bridges, ...veths]))
    const gateways = networks.flatMap(({ bridge, subnets }) =>
      subnets.map(({ gateway }) => `${bridge.name} ${gateway}`),
    )
    expect(addressesIn(shown), 'addresses').toEqual(gateways.sort())
  }

  async #checkFirewall({ networks, origin }: Said): Promise<void> {
    const table = `table inet ${tableName(origin as Origin)}`
    const text = await this.do('nft list ruleset')
    const all = text.split('\n').flatMap((line) => /^(table .*) \{$/.exec(line)?.[1] ?? [])
    // The first network makes the table, and it stays: it forwards nothing by itself.
    if (networks.length > 0) expect(all).toContain(table)
    expect(
      all.filter((line) => line !== table),
      'tables',
    ).toEqual([])
    const bridges = networks.map(({ bridge }) => bridge.name as string).sort()
    const named = (pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, name = '']) => name)
    expect(named(/"(\w+)" : jump to-/g).sort(), 'elements').toEqual(bridges)
    expect([...new Set(named(/chain \w+-(\w+) /g))].sort(), 'chains').toEqual(bridges)
  }

  #namespacesOf(origin: string): string {
    return join(this.runDir, origin.slice(0, 12), 'netns')
  }

  async #checkNamespaces({ origin, sandboxes }: Said): Promise<void> {
    const ids = sandboxes.map(({ id }) => id as string).sort()
    const directory = this.#namespacesOf(origin)
    expect((await readdir(directory).catch(() => [])).sort(), 'files').toEqual(ids)
    expect((await this.mounted()).sort(), 'mounts').toEqual(ids.map((id) => join(directory, id)))
  }

  async #checkSandbox({ endpoints, origin }: Said, view: SandboxView): Promise<void> {
    const { gateway, gateway6, id, name } = view
    const path = join(this.#namespacesOf(origin), id)
    const line = 'ip -j addr; ip -j route show default; ip -j -6 route show default'
    const text = await run('nsenter', `--net=${path}`, 'sh', '-c', line)
    const [all = [], routes = [], routes6 = []] = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as readonly Shown[])
    const shown = all.filter(({ ifname }) => ifname !== 'lo')
    const wanted = endpoints
      .filter(({ sandbox, state }) => sandbox === id && state === 'joined')
      .flatMap(({ addresses, ifName = '' }) =>
        addresses.map((cidr) => `${ifName} ${cidr.split('/')[0] ?? ''}`),
      )
    expect(addressesIn(shown), `addresses of ${name}`).toEqual(wanted.sort())
    expect(routes.length, `default routes of ${name}`).toBe(gateway === undefined ? 0 : 1)
    expect(routes6.length, `default routes of IPv6 of ${name}`).toBe(gateway6 === undefined ? 0 : 1)
  }

  /** Nothing of ours is left. */
  async checkEmpty(): Promise<void> {
    const links = (await this.json(this.netns, 'ip -j link')).map(({ ifname }) => ifname)
    expect(links.filter((name) => name !== 'lo')).toEqual([])
    expect((await this.do('nft list tables')).trim()).toBe('')
    expect(await this.mounted()).toEqual([])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const path of await this.mounted()) await run('umount', '--lazy', path)
    await rm(this.base, { force: true, recursive: true })
    for (const name of [this.#name, ...this.#others]) await run('ip', 'netns', 'del', name)
  }
}

const sorted = <T extends { readonly name: unknown }>(all: readonly T[]): readonly T[] =>
  [...all].sort((a, b) => String(a.name).localeCompare(String(b.name)))

/** `<link> <address>`, in order; without what the kernel makes by itself. */
const addressesIn = (shown: readonly Shown[]): string[] =>
  shown
    .flatMap(({ addr_info: infos, ifname }) =>
      (infos as readonly Shown[])
        .filter(({ scope }) => scope !== 'link')
        .map(({ local }) => `${String(ifname)} ${String(local)}`),
    )
    .sort()
