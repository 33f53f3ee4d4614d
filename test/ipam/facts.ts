/** Lives of networks and endpoints for the tests of the address policies: facts, folded into who holds what. */
import type {
  AnyFact,
  Cidr,
  EndpointId,
  Epoch,
  FactOf,
  FactType,
  IfName,
  Instant,
  Ip,
  Mac,
  NetworkId,
  PlanId,
  SandboxId,
  Seq,
  Stream,
  Subnet,
} from '../../events/index.ts'
import { foldFact, initialProjections, type Allocations, type Projections } from '../../projections/index.ts'
import { macOf } from '../../src/ipam/index.ts'
import { ipOf } from '../../events/index.ts'

export const AT = '2026-11-24T09:12:04.113Z' as Instant
export const PLAN = '1.1' as PlanId
export const SWEEP = '1.2' as PlanId

/** A world in which facts happen. */
export class Facts {
  #projections: Projections = initialProjections

  get allocations(): Allocations {
    return this.#projections.allocations
  }

  network(name: string, ...subnets: string[]): { id: NetworkId; name: string; subnets: Subnet[] } {
    return this.networkOf(name, subnets.map(subnetOf))
  }

  networkOf(name: string, subnets: Subnet[]): { id: NetworkId; name: string; subnets: Subnet[] } {
    const id = name.padEnd(64, '0') as NetworkId
    this.#add(`network/${id}`, 'NetworkCreateRequested', {
      bridge: { mac: '02:00:00:00:00:01' as Mac, name: `cnb${name}` as IfName },
      driver: 'bridge',
      internal: false,
      labels: {},
      masquerade: true,
      mtu: 0,
      name,
      network: id,
      plan: PLAN,
      subnets,
    })
    return { id, name, subnets }
  }

  /** Deletes a network; with `sweep`, its bridge is still to be removed by that plan. */
  deleteNetwork(network: { id: NetworkId }, sweep?: PlanId): void {
    const data = { network: network.id, plan: PLAN }
    this.#add(`network/${network.id}`, 'NetworkDeleteRequested', data)
    this.#add(`network/${network.id}`, 'NetworkDeleted', sweep === undefined ? data : { ...data, sweep })
  }

  reserve(
    network: { id: NetworkId },
    name: string,
    address: Cidr,
    mac: Mac = macOf(ipOf(address)),
  ): EndpointId {
    const endpoint = name.padEnd(64, '0') as EndpointId
    this.#add(`endpoint/${endpoint}`, 'EndpointReserved', {
      addresses: [address],
      endpoint,
      labels: {},
      mac,
      name,
      network: network.id,
    })
    return endpoint
  }

  join(network: { id: NetworkId }, endpoint: EndpointId, sandbox: SandboxId, ifName: IfName): void {
    this.#add(`endpoint/${endpoint}`, 'EndpointJoinRequested', {
      attempt: 1,
      endpoint,
      ifName,
      link: { mac: '02:00:00:00:00:02' as Mac, name: `cnv${endpoint.slice(0, 8)}` as IfName },
      network: network.id,
      plan: PLAN,
      priority: 0,
      releaseOnFailure: false,
      sandbox,
    })
  }

  /** Leaves; the link is still to be removed by `sweep`. */
  leave(endpoint: EndpointId, sandbox: SandboxId, sweep: PlanId): void {
    const data = { endpoint, plan: PLAN, sandbox }
    this.#add(`endpoint/${endpoint}`, 'EndpointLeaveRequested', data)
    this.#add(`endpoint/${endpoint}`, 'EndpointLeft', { ...data, sweep })
  }

  release(endpoint: EndpointId): void {
    this.#add(`endpoint/${endpoint}`, 'EndpointReleased', { endpoint })
  }

  /** Intends a sweep for an entity. */
  sweep(stream: Stream, plan: PlanId): void {
    this.#add('effects', 'EffectsIntended', { for: [stream], plan, purpose: 'sweep', steps: [] })
  }

  settle(plan: PlanId, failed = false): void {
    const failure = { class: 'retry' as const, code: 'EBUSY', key: 'link/host/x', message: 'busy' }
    this.#add('effects', 'EffectsSettled', { failures: failed ? [failure] : [], late: false, plan, seen: [] })
  }

  #add<T extends FactType>(stream: Stream, type: T, data: FactOf<T>['data']): void {
    const fact = { data, stream, type, v: 1, version: 1 } as unknown as AnyFact
    const position = { at: AT, epoch: 1 as Epoch, index: 1, seq: 1 as Seq }
    this.#projections = foldFact(this.#projections, fact, position)
  }
}

/** The gateway is the first address. */
function subnetOf(subnet: string): Subnet {
  const base = subnet.slice(0, subnet.indexOf('/'))
  const gateway = base.endsWith('::') ? `${base}1` : base.replace(/\d+$/, (last) => String(Number(last) + 1))
  return { gateway: gateway as Ip, subnet: subnet as Cidr }
}
