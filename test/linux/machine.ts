/**
 * A real machine for tests: a network namespace of its own that the port takes as the host, and a run directory. `ip`,
 * `nft` and `bridge` play the other people on it, and are the oracle. Leaves nothing behind.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import type { NsRef } from '../../events/index.ts'
import type { Kernel } from '../../src/kernel/kernel.ts'
import { openLinuxKernel } from '../../src/kernel/linux/index.ts'
import type { Human, Machine } from '../contracts/kernel.ts'
import { ORIGIN } from '../contracts/universe.ts'
import { converse } from './converse.ts'

const exec = promisify(execFile)

/** Runs a program; its output. Rejects with what it said. */
export const run = async (file: string, ...args: readonly string[]): Promise<string> =>
  (await exec(file, [...args], { maxBuffer: 1 << 26 })).stdout

let made = 0

export class LinuxMachine implements Machine {
  readonly human: Human
  readonly runDir: string
  readonly #host: string
  #kernel: Kernel

  private constructor(host: string, runDir: string, kernel: Kernel) {
    this.#host = host
    this.runDir = runDir
    this.#kernel = kernel
    this.human = humanOn(this)
  }

  static async make(): Promise<LinuxMachine> {
    const host = `machine${process.pid}-${++made}`
    await run('ip', 'netns', 'add', host)
    const runDir = await mkdtemp(join(tmpdir(), 'chronet-machine-'))
    const machine = new LinuxMachine(host, runDir, await openOn(host, runDir))
    // A new namespace takes over what the first one has: a host of containers forwards.
    await machine.in('host', 'sysctl -qw net.ipv4.ip_forward=0')
    return machine
  }

  get kernel(): Kernel {
    return this.#kernel
  }

  async reopen(): Promise<Kernel> {
    await this.#kernel.close()
    this.#kernel = await openOn(this.#host, this.runDir)
    return this.#kernel
  }

  /** Runs a command line in a namespace. Arguments are split at blanks. */
  in(ns: NsRef, command: string): Promise<string> {
    return run('nsenter', `--net=${this.pathOf(ns)}`, ...command.split(' '))
  }

  /** What `ip -j` (or `bridge -j`) says in a namespace. */
  async json(ns: NsRef, command: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return JSON.parse((await this.in(ns, command)) || '[]') as Readonly<Record<string, unknown>>[]
  }

  pathOf(ns: NsRef): string {
    return ns === 'host' ? `/run/netns/${this.#host}` : join(this.runDir, 'netns', ns)
  }

  async tearDown(): Promise<void> {
    await this.#kernel.close()
    const directory = join(this.runDir, 'netns')
    for (const name of await readdir(directory).catch(() => []))
      await run('umount', '--lazy', join(directory, name)).catch(() => undefined)
    await rm(this.runDir, { recursive: true })
    await run('ip', 'netns', 'del', this.#host)
  }
}

const openOn = (host: string, runDir: string): Promise<Kernel> =>
  openLinuxKernel({ hostNetns: `/run/netns/${host}`, origin: ORIGIN, runDir })

function humanOn(machine: LinuxMachine): Human {
  const at = async (ns: NsRef, command: string): Promise<void> => {
    await machine.in(ns, command)
  }
  return {
    addAddress: (ns, link, cidr) => at(ns, `ip addr add ${cidr} dev ${link}`),
    addForeignBridge: (name) => at('host', `ip link add ${name} type bridge`),
    addRoute: (ns, dst, link) => at(ns, `ip route add ${dst} dev ${link}`),
    converse: (from, to, ip) => converse(machine.pathOf(from), machine.pathOf(to), ip),
    deleteAddress: (ns, link, cidr) => at(ns, `ip addr del ${cidr} dev ${link}`),
    deleteLink: (ns, link) => at(ns, `ip link del ${link}`),
    deleteRoute: (ns, dst) => at(ns, `ip route del ${dst}`),
    deleteTable: (table) => at('host', `nft delete table inet ${table}`),
    disableIpv6: (ns, link) => at(ns, `sysctl -qw net.ipv6.conf.${link}.disable_ipv6=1`),
    downLink: (ns, link) => at(ns, `ip link set ${link} down`),
    endNamespace: async (path) => {
      await run('ip', 'netns', 'del', basename(path))
    },
    flushMaps: async (table) => {
      for (const map of ['from', 'to', 'nat']) await at('host', `nft flush map inet ${table} ${map}`)
    },
    flushTable: (table) => at('host', `nft flush table inet ${table}`),
    linkExists: async (ns, link) =>
      (await machine.json(ns, 'ip -j link')).some((each) => each.ifname === link),
    linksAt: async (path) => {
      const links = JSON.parse(await run('ip', '-j', '-n', basename(path), 'link')) as {
        readonly flags: readonly string[]
        readonly ifname: string
      }[]
      return {
        names: links.map(({ ifname }) => ifname).sort(),
        up: links.some(({ flags, ifname }) => ifname === 'lo' && flags.includes('UP')),
      }
    },
    makeNamespace: async () => {
      const name = `theirs${process.pid}-${++made}`
      await run('ip', 'netns', 'add', name)
      return `/run/netns/${name}`
    },
    renameLink: (ns, link, to) => at(ns, `ip link set ${link} name ${to}`),
    setMtu: (ns, link, mtu) => at(ns, `ip link set ${link} mtu ${mtu}`),
    unplug: (link) => at('host', `ip link set ${link} nomaster`),
    upLink: (ns, link) => at(ns, `ip link set ${link} up`),
  }
}
