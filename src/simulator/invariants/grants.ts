/**
 * What one host has of networks of its cluster, told from its own facts alone: what it was granted, and which addresses it has given out
 * of it (A8). What others have is looked at by whoever watches all of them.
 */
import {
  cidrFrom,
  contains,
  ipFrom,
  ipOf,
  type AnyFact,
  type Cidr,
  type ClaimGranted,
  type EndpointReserved,
  type Ip,
  type NetworkCreateRequested,
  type NetworkId,
  type Origin,
  type VniAssigned,
} from '../../../events/index.ts'
import type { Ledger } from './invariant.ts'

/** A grant, as the log has it. `lost`: it is not this host's all the same. */
export type Granted = ClaimGranted['data'] & { readonly lost: boolean }

/** An address that an endpoint of this host holds. */
export type Held = { readonly ip: Ip; readonly network: NetworkId; readonly sinceMs: number }

/** Who hears of each commit as it lands, and not of what is read again. */
export type GrantEar = {
  readonly ledger: Ledger
  readonly nowMs: () => number
  readonly origin: () => Origin | undefined
  readonly onGiven: (held: Held, seq: number) => void
  readonly onGranted: (granted: ClaimGranted['data'], seq: number) => void
  readonly onNumbered: (numbered: VniAssigned['data'], seq: number) => void
}

export class GrantModel {
  readonly grants = new Map<string, Granted>()
  /** `<network>/<ip>`. */
  readonly held = new Map<string, Held>()
  /** Of networks that are there: a number rests when its network is gone. */
  readonly numbers = new Map<NetworkId, number>()
  readonly #endpoints = new Map<string, readonly string[]>()
  readonly #networks = new Map<NetworkId, NetworkCreateRequested['data']>()

  /** @param ear absent: it only follows */
  add(fact: AnyFact, seq: number, ear?: GrantEar): void {
    switch (fact.type) {
      case 'ClaimGranted':
        this.grants.set(fact.data.key, { ...fact.data, lost: false })
        return ear?.onGranted(fact.data, seq)
      case 'ClaimLost':
        return this.#lose(fact.data.key)
      case 'ClaimReleased':
        return void this.grants.delete(fact.data.key)
      case 'NetworkCreateRequested':
        return this.#network(fact.data, seq, ear)
      case 'NetworkDeleted':
        return this.#end(fact.stream.slice('network/'.length) as NetworkId)
      case 'VniAssigned':
        this.numbers.set(fact.data.network, fact.data.vni)
        return ear?.onNumbered(fact.data, seq)
      case 'EndpointReserved':
        return this.#reserve(fact.stream, fact.data, seq, ear)
      case 'EndpointReleased':
        return this.#release(fact.stream)
      default:
    }
  }

  /** Grants that are this host's. */
  get own(): readonly Granted[] {
    return [...this.grants.values()].filter(({ lost }) => !lost)
  }

  /** A lent address is given back when nobody has it any more, lost or not. */
  isStillUsed(key: string): boolean {
    const { cidr, kind, network } = this.grants.get(key) ?? {}
    return kind === 'address' && cidr !== undefined && this.held.has(`${network}/${ipOf(cidr)}`)
  }

  #end(network: NetworkId): void {
    this.#networks.delete(network)
    this.numbers.delete(network)
  }

  #lose(key: string): void {
    const grant = this.grants.get(key)
    if (grant !== undefined) this.grants.set(key, { ...grant, lost: true })
  }

  #network(data: NetworkCreateRequested['data'], seq: number, ear?: GrantEar): void {
    const { claim, name, network, subnets } = data
    if (claim === undefined) return
    this.#networks.set(network, data)
    if (ear === undefined || claim.owner !== ear.origin()) return
    const mine = this.own.filter((grant) => grant.network === network)
    const lacks = subnets.find(
      ({ subnet }) => !mine.some(({ cidr, kind }) => kind === 'pool' && cidr === subnet),
    )
    const isNamed = mine.some((grant) => grant.kind === 'network' && grant.name === name)
    const what = isNamed ? lacks?.subnet : `the name '${name}'`
    ear.ledger.check(
      'A8',
      what && `#${seq}: network ${name} is made, and ${what} was not granted to this host`,
    )
  }

  #reserve(
    stream: string,
    { addresses, network }: EndpointReserved['data'],
    seq: number,
    ear?: GrantEar,
  ): void {
    if (!this.#networks.has(network)) return
    this.#endpoints.set(
      stream,
      addresses.map((cidr) => `${network}/${ipOf(cidr)}`),
    )
    for (const cidr of addresses) {
      const held = { ip: ipOf(cidr), network, sinceMs: ear?.nowMs() ?? 0 }
      const isIn = this.#mayGive(network).some((part) => contains(cidrFrom(part), ipFrom(held.ip)))
      ear?.ledger.check(
        'A8',
        isIn
          ? undefined
          : `#${seq}: ${cidr} is given, and was neither granted to this host nor lies in its blocks`,
      )
      ear?.onGiven(held, seq)
      this.held.set(`${network}/${held.ip}`, held)
    }
  }

  /** Out of these it may give addresses: its blocks, and what it was lent of others'. */
  #mayGive(network: NetworkId): readonly Cidr[] {
    return this.own.flatMap(({ cidr, contested, kind, network: of }) => {
      const isOurs = (kind === 'block' && contested !== true) || kind === 'address'
      return isOurs && of === network && cidr !== undefined ? [cidr] : []
    })
  }

  #release(stream: string): void {
    for (const key of this.#endpoints.get(stream) ?? []) this.held.delete(key)
    this.#endpoints.delete(stream)
  }
}
