/**
 * Who has which address, MAC and subnet, told from the facts alone: a model without the engine's cleverness, against which
 * every commit is held (A1, A2, A3, A7, A11).
 */
import {
  type AnyFact,
  type Cidr,
  type Ip,
  cidrFrom,
  contains,
  overlaps,
  ipFrom,
  ipOf,
  type EndpointReserved,
  type NetworkCreateRequested,
  type PlanId,
  type Subnet,
} from '../../../events/index.ts'
import type { Ledger } from './invariant.ts'

type Owner = Pick<EndpointReserved['data'], 'addresses' | 'mac' | 'network'>
/** What a sweep still has to remove, by the plan that does. */
type Resting = { readonly keys: readonly string[]; plan: PlanId | undefined; readonly stream: string }

export class AllocationModel {
  /** Absent: it only follows. */
  ledger: Ledger | undefined
  readonly #endpoints = new Map<string, Owner>()
  /** `<network>/<ip or mac>` → the endpoint's stream. */
  readonly #held = new Map<string, string>()
  readonly #names = new Map<string, string>()
  readonly #networks = new Map<string, readonly Subnet[]>()
  #resting: Resting[] = []

  constructor(ledger?: Ledger) {
    this.ledger = ledger
  }

  add(fact: AnyFact, seq: number): void {
    switch (fact.type) {
      case 'NetworkCreateRequested':
        // Who has which address of a network of the cluster is not this host's alone to say.
        if (fact.data.claim === undefined) this.#names.set(fact.data.name, fact.stream)
        return this.#network(fact.stream, fact.data, seq)
      case 'NetworkDeleted':
        return void this.#networks.delete(fact.stream)
      case 'EndpointReserved':
        return this.#reserve(fact.stream, fact.data, seq)
      case 'EndpointJoinFailed':
      case 'EndpointLeft':
        return this.#rest(fact.stream, fact.data.sweep)
      case 'EndpointReleased':
        return this.#release(fact.stream)
      case 'EffectsIntended':
        if (fact.data.purpose === 'sweep') this.#sweepAgain(fact.data.plan, fact.data.for)
        return
      case 'EffectsSettled':
        return this.#settle(fact.data.plan, fact.data.failures.length > 0)
      case 'HostStarted':
        // In another boot there is no link on which anything could lie.
        if (fact.data.fresh) this.#resting = this.#resting.filter(({ plan }) => plan !== undefined)
        return
      default:
    }
  }

  /**
   * How many addresses could be given on a network of this host alone, by its name or id; Infinity: more than anybody counts.
   * Undefined: there is no such network.
   */
  freeOn(ref: string): number | undefined {
    const stream = this.#names.get(ref) ?? `network/${ref}`
    const pools = this.#networks.get(stream)
    if (pools === undefined || ![...this.#names.values()].includes(stream)) return undefined
    const counts = pools.map((pool) => this.#freeIn(stream.slice('network/'.length), pool))
    return Math.min(...counts)
  }

  #freeIn(network: string, { auxAddresses = {}, gateway, ipRange, subnet }: Subnet): number {
    const { address, length } = cidrFrom(subnet)
    if (address.family === 6 || ipRange !== undefined || length > 30) return Infinity
    const isIn = (ip: string): boolean => !ip.includes(':') && contains(cidrFrom(subnet), ipFrom(ip as Ip))
    const keys = [...this.#held.keys(), ...this.#resting.flatMap((each) => each.keys)]
    const ips = keys.filter((key) => key.startsWith(`${network}/`)).map((key) => key.split('/')[1] ?? '')
    const taken = [gateway, ...Object.values(auxAddresses), ...ips.filter((ip) => /^[\d.]+$/.test(ip))]
    // Its first address is the network's, its last all hosts'.
    return 2 ** (32 - length) - 2 - new Set(taken.filter(isIn)).size
  }

  #network(stream: string, { subnets }: NetworkCreateRequested['data'], seq: number): void {
    for (const [other, pools] of this.#networks)
      for (const mine of subnets)
        for (const theirs of pools) {
          const isShared = overlaps(cidrFrom(mine.subnet), cidrFrom(theirs.subnet))
          this.ledger?.check(
            'A3',
            isShared
              ? `#${seq}: ${mine.subnet} of ${stream} overlaps ${theirs.subnet} of ${other}`
              : undefined,
          )
        }
    this.#networks.set(stream, subnets)
  }

  #reserve(stream: string, { addresses, mac, network }: EndpointReserved['data'], seq: number): void {
    const keys = keysOf({ addresses, mac, network })
    for (const key of keys) {
      const id = key.endsWith(mac) ? 'A7' : 'A1'
      const holder = this.#held.get(key)
      this.ledger?.check(id, holder ? `#${seq}: ${stream} gets ${key}, which ${holder} has` : undefined)
      const rest = this.#resting.find((each) => each.keys.includes(key))
      this.ledger?.check(
        'A11',
        rest ? `#${seq}: ${stream} gets ${key} before the link of ${rest.stream} is swept` : undefined,
      )
      this.#held.set(key, stream)
    }
    for (const cidr of addresses) this.ledger?.check('A2', this.#misplaced(network, cidr, seq))
    this.#endpoints.set(stream, { addresses, mac, network })
  }

  #misplaced(network: string, cidr: Cidr, seq: number): string | undefined {
    const pools = this.#networks.get(`network/${network}`) ?? []
    const ip = ipOf(cidr)
    const pool = pools.find(({ subnet }) => contains(cidrFrom(subnet), ipFrom(ip)))
    if (pool === undefined) return `#${seq}: ${cidr} is in no pool of ${network}`
    const taken = [pool.gateway, ...Object.values(pool.auxAddresses ?? {})]
    return taken.includes(ip) ? `#${seq}: ${cidr} is the gateway's or an auxiliary address` : undefined
  }

  #rest(stream: string, plan: PlanId | undefined): void {
    const owner = this.#endpoints.get(stream)
    if (owner === undefined || plan === undefined) return
    this.#resting.push({ keys: keysOf(owner), plan, stream })
  }

  #release(stream: string): void {
    for (const [key, holder] of this.#held) if (holder === stream) this.#held.delete(key)
    this.#endpoints.delete(stream)
  }

  #sweepAgain(plan: PlanId, streams: readonly string[]): void {
    for (const rest of this.#resting)
      if (rest.plan === undefined && streams.includes(rest.stream)) rest.plan = plan
  }

  #settle(plan: PlanId, failed: boolean): void {
    if (!failed) this.#resting = this.#resting.filter((rest) => rest.plan !== plan)
    else for (const rest of this.#resting) if (rest.plan === plan) rest.plan = undefined
  }
}

/** What an endpoint holds of its network. */
const keysOf = ({ addresses, mac, network }: Owner): readonly string[] => [
  ...addresses.map((cidr) => `${network}/${ipOf(cidr)}`),
  `${network}/${mac}`,
]
