/** Hosts that claim on one simulated bus, without engines. */
import type { Cidr, CommandId, Epoch, Instant, NetworkId, Origin } from '../../../events/index.ts'
import type { Bus } from '../../../src/bus/bus.ts'
import { blockClaim, networkClaim } from '../../../src/cluster/claims/grants.ts'
import type { Said } from '../../../src/cluster/claims/message.ts'
import { Register, type Claimed } from '../../../src/cluster/claims/register.ts'
import { blockKey, networkKey } from '../../../src/cluster/claims/subjects.ts'
import { ClaimTable } from '../../../src/cluster/claims/table.ts'
import { sha256 } from '../../../src/system/hash.ts'

export const NETWORK = 'a'.repeat(64) as NetworkId
export const OTHER_NETWORK = 'b'.repeat(64) as NetworkId
export const SUBNET = '10.0.0.0/20' as Cidr
export const BLOCK = '10.0.0.32/27' as Cidr

/** The origin of a host of that name. */
export const originOf = (host: string): Origin => sha256(host) as Origin

export class ClaimingHost {
  readonly origin: Origin
  readonly register: Register
  readonly #bus: Bus
  #commands = 0

  private constructor(host: string, bus: Bus, stream: string, nowMs: () => number) {
    this.#bus = bus
    this.origin = originOf(host)
    const said = (): Said => ({
      at: new Date(nowMs()).toISOString() as Instant,
      by: this.origin,
      epoch: 1 as Epoch,
      host,
    })
    const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
    this.register = new Register({
      bus,
      hash: sha256,
      nowMs,
      pause,
      said,
      table: new ClaimTable(sha256, stream),
    })
  }

  static async open(host: string, bus: Bus, nowMs: () => number): Promise<ClaimingHost> {
    return new ClaimingHost(host, bus, (await bus.state()).created, nowMs)
  }

  get table(): ClaimTable {
    return this.register.table
  }

  /** Reads all that there is. */
  async read(): Promise<void> {
    const { lastSeq } = await this.#bus.state()
    if (this.table.seq >= lastSeq) return
    const never = new Promise<void>(() => undefined)
    for await (const message of this.#bus.follow(this.table.seq + 1, never)) {
      this.table.take(message)
      if (message.seq >= lastSeq) return
    }
  }

  command(): CommandId {
    return `${this.origin.slice(0, 8)}-${++this.#commands}` as CommandId
  }

  block(cidr: Cidr = BLOCK, by: string = this.command()): Promise<Claimed> {
    const claim = blockClaim(this.register.said(), { cidr, network: NETWORK, subnet: SUBNET })
    return this.register.claim(blockKey(NETWORK, cidr), by, claim)
  }

  name(name: string, network: NetworkId = NETWORK, by: string = this.command()): Promise<Claimed> {
    const definition = {
      driver: 'test',
      internal: true,
      labels: {},
      masquerade: true,
      mtu: 0,
      name,
      network,
      subnets: [],
    }
    return this.register.claim(networkKey(sha256, name), by, networkClaim(this.register.said(), definition))
  }
}
