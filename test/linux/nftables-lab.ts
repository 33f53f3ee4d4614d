/**
 * A host of one's own for a test: a network namespace with bridges, sandboxes and an outside, built with
 * `ip`, and sockets in them to send real packets. `nft` stands beside us as the stranger and as the oracle.
 * All names are the process's own.
 */
import koffi from 'koffi'
import { execFileSync } from 'node:child_process'
import { formatIp, ipFrom } from '../../events/address.ts'
import type { Ip, Origin } from '../../events/index.ts'
import type { OpenFirewallSocket } from '../../src/kernel/linux/firewall.ts'
import { CLONE_NEWNET, libc, O_CLOEXEC } from '../../src/kernel/linux/libc.ts'
import { NETLINK_NETFILTER, NetlinkSocket } from '../../src/kernel/linux/netlink.ts'

let made = 0

/** An origin that no other test has. */
export function someOrigin(): Origin {
  made++
  return (process.pid.toString(16) + made.toString(16).padStart(4, '0')).padEnd(64, '0') as Origin
}

export class Lab implements Disposable {
  readonly #namespaces: string[] = []
  readonly #prefix = `nft${process.pid}-${++made}-`
  readonly openSocket: OpenFirewallSocket = (options) =>
    Promise.resolve(this.within('host', () => NetlinkSocket.open(NETLINK_NETFILTER, options)))

  constructor() {
    this.addNamespace('host')
  }

  addNamespace(name: string): void {
    run('ip', 'netns', 'add', this.#prefix + name)
    this.#namespaces.push(name)
    this.in(name, 'ip link set lo up')
  }

  /** Runs a command line in a namespace. Arguments are split at blanks, so there is no quoting. */
  in(namespace: string, command: string): string {
    return run('ip', 'netns', 'exec', this.#prefix + namespace, ...command.split(' '))
  }

  /** What `nft` says in the host, to a script. */
  nft(script: string): string {
    return run('ip', 'netns', 'exec', `${this.#prefix}host`, 'nft', script)
  }

  /** Runs synchronous code with this thread in a namespace. */
  within<T>(namespace: string, body: () => T): T {
    const self = libc().open('/proc/thread-self/ns/net', O_CLOEXEC)
    const other = libc().open(`/run/netns/${this.#prefix}${namespace}`, O_CLOEXEC)
    if (libc().setns(other, CLONE_NEWNET) < 0) throw new Error(`setns: ${libc().errno()}`)
    try {
      return body()
    } finally {
      if (libc().setns(self, CLONE_NEWNET) < 0) process.abort()
      libc().close(self)
      libc().close(other)
    }
  }

  addBridge(name: string, addresses: readonly string[]): void {
    this.in('host', `ip link add ${name} type bridge mcast_snooping 0`)
    this.in('host', `ip link set ${name} up`)
    for (const address of addresses)
      this.in('host', `ip addr add ${address} dev ${name} ${nodad(address)}`.trim())
  }

  /** A namespace with `eth0`, at a bridge of the host or facing it; with default routes. */
  addSandbox(
    name: string,
    options: { addresses: readonly string[]; bridge?: string; via: readonly string[] },
  ): void {
    this.addNamespace(name)
    const at = options.bridge === undefined ? '' : ` master ${options.bridge}`
    this.in('host', `ip link add v-${name}${at} type veth peer name eth0 netns ${this.#prefix}${name}`)
    this.in('host', `ip link set v-${name} up`)
    this.in(name, 'ip link set eth0 up')
    for (const address of options.addresses)
      this.in(name, `ip addr add ${address} dev eth0 ${nodad(address)}`.trim())
    for (const via of options.via) this.in(name, `ip route add default via ${via}`)
  }

  [Symbol.dispose](): void {
    for (const name of this.#namespaces) run('ip', 'netns', 'del', this.#prefix + name)
  }
}

const nodad = (address: string): string => (address.includes(':') ? 'nodad' : '')

const run = (command: string, ...args: readonly string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

// TCP, by hand: the handshake is done by the kernels, so one thread can hold both ends.

const c = koffi.load(null)
const accept = c.func('int accept(int, void *, void *)') as (fd: number, a: Buffer, l: Buffer) => number
const connect = c.func('int connect(int, const void *, uint)') as (fd: number, a: Buffer, l: number) => number
const listen = c.func('int listen(int, int)') as (fd: number, backlog: number) => number

const AF_INET = 2
const AF_INET6 = 10
const PORT = 4711

function socketAddress(text: string): Buffer {
  const { family, value } = ipFrom(text as Ip)
  const bytes = Buffer.alloc(family === 4 ? 16 : 28)
  bytes.writeUInt16LE(family === 4 ? AF_INET : AF_INET6)
  bytes.writeUInt16BE(PORT, 2)
  bytes.write(value.toString(16).padStart(family === 4 ? 8 : 32, '0'), family === 4 ? 4 : 8, 'hex')
  return bytes
}

/**
 * Connects from a namespace to an address in another, and back: the source address that the server saw, or
 * undefined when no answer came. `patienceMs`: how long to wait for one.
 */
export function reach(
  lab: Lab,
  { from, patienceMs, to, toAddress }: { from: string; patienceMs: number; to: string; toAddress: string },
): string | undefined {
  const family = toAddress.includes(':') ? AF_INET6 : AF_INET
  const open = (namespace: string): number =>
    lab.within(namespace, () => libc().socket(family, 1 | O_CLOEXEC, 0))
  const server = open(to)
  const client = open(from)
  const peer = socketAddress(toAddress)
  try {
    libc().setsockopt(server, 1, 2, Buffer.of(1, 0, 0, 0), 4)
    if (libc().bind(server, peer, peer.length) < 0 || listen(server, 8) < 0)
      throw new Error(`bind ${toAddress}: ${libc().errno()}`)
    const patience = Buffer.alloc(16)
    patience.writeBigInt64LE(BigInt(Math.floor(patienceMs / 1000)))
    patience.writeBigInt64LE(BigInt((patienceMs % 1000) * 1000), 8)
    libc().setsockopt(client, 1, 21, patience, 16)
    if (connect(client, peer, peer.length) < 0) return undefined
    const length = Buffer.of(28, 0, 0, 0)
    const seen = Buffer.alloc(28)
    libc().close(accept(server, seen, length))
    return family === AF_INET
      ? formatIp({ family: 4, value: seen.readUInt32BE(4) })
      : formatIp({ family: 6, value: BigInt(`0x${seen.toString('hex', 8, 24)}`) })
  } finally {
    libc().close(client)
    libc().close(server)
  }
}
