/**
 * A log as a busy host writes it: 20 networks, and endpoints that come and go in random order; the same in every run. Facts as the
 * engine makes them (a life of an endpoint is five commits and 15 facts), sealed rows as the log stores them.
 */
import { hash } from 'node:crypto'
import { encodeCommit, keyOf, streamOf } from '../events/index.ts'
import type {
  AnyFact,
  Cidr,
  Commit,
  EndpointId,
  IfName,
  Ip,
  Mac,
  NetworkId,
  Origin,
  PlanId,
  Purpose,
  SandboxId,
  Seq,
  Spec,
  Step,
  Stream,
} from '../events/index.ts'

const NETWORKS = 20

export const sha256 = (text: string): string => hash('sha256', text, 'hex')
export const origin = sha256('bench') as Origin
const networks = Array.from({ length: NETWORKS }, (_, i) => sha256(`network ${i}`) as NetworkId)

/** A place where endpoints live one after the other. */
class Slot {
  readonly #n: number
  #endpoint = '' as EndpointId
  #lives = 0
  #phase = 0
  #plan = '' as PlanId

  constructor(n: number) {
    this.#n = n
  }

  /** The facts of the next commit of this place; five commits and 15 facts make a life. */
  next(plan: PlanId): readonly AnyFact[] {
    const facts = [this.#connect, this.#joined, this.#disconnect, this.#left, this.#swept][this.#phase]?.call(
      this,
      plan,
    )
    this.#phase = (this.#phase + 1) % 5
    this.#plan = plan
    return facts ?? []
  }

  get #sandbox(): SandboxId {
    return sha256(`sandbox ${this.#n}`) as SandboxId
  }

  get #stream(): Stream {
    return streamOf.endpoint(this.#endpoint)
  }

  #specs(): readonly Spec[] {
    const [ns, link] = [this.#sandbox, 'eth0' as IfName]
    const name = `cnv${this.#endpoint.slice(0, 12)}` as IfName
    const bridge = `cnb${this.#n % NETWORKS}` as IfName
    return [
      {
        bridge,
        kind: 'veth',
        mac: '02:aa:bb:cc:dd:ee' as Mac,
        mtu: 0,
        name,
        peer: { ipv6: true, mac: this.#mac, name: link, ns },
      },
      ...this.#addresses.map((address): Spec => ({ address, kind: 'addr', link, ns })),
      { dst: '0.0.0.0/0' as Cidr, kind: 'route', link, ns, via: `10.${this.#n % NETWORKS}.0.1` as Ip },
      { dst: '::/0' as Cidr, kind: 'route', link, ns, via: `fd00:${this.#n % NETWORKS}::1` as Ip },
    ]
  }

  get #host(): number {
    return 2 + Math.floor(this.#n / NETWORKS) + (this.#lives % 50) * 1000
  }

  get #addresses(): readonly Cidr[] {
    const [net, host] = [this.#n % NETWORKS, this.#host]
    return [`10.${net}.${host >> 8}.${host & 255}/16` as Cidr, `fd00:${net}::${host.toString(16)}/64` as Cidr]
  }

  get #mac(): Mac {
    return `02:42:${this.#endpoint.slice(0, 8).replace(/(..)(?!$)/g, '$1:')}` as Mac
  }

  #connect(plan: PlanId): readonly AnyFact[] {
    this.#lives++
    this.#endpoint = sha256(`endpoint ${this.#n} ${this.#lives}`) as EndpointId
    const [endpoint, sandbox, network] = [this.#endpoint, this.#sandbox, networks[this.#n % NETWORKS]]
    const name = `web-${this.#n}`
    const link = { mac: '02:aa:bb:cc:dd:ee', name: `cnv${endpoint.slice(0, 12)}` }
    const place = { endpoint, ifName: 'eth0', sandbox }
    return [
      fact(this.#stream, 'EndpointReserved', {
        addresses: this.#addresses,
        endpoint,
        labels: {},
        mac: this.#mac,
        name,
        network,
      }),
      fact(this.#stream, 'EndpointJoinRequested', {
        ...place,
        attempt: 1,
        link,
        network,
        plan,
        priority: 0,
        releaseOnFailure: true,
      }),
      fact(streamOf.sandbox(sandbox), 'SandboxInterfaceAdded', { ...place, gateway: true }),
      this.#intended(
        plan,
        'realise',
        this.#specs().map((spec) => ({ key: keyOf(spec), op: 'ensure', spec })),
      ),
    ]
  }

  #joined(): readonly AnyFact[] {
    const about = { endpoint: this.#endpoint, plan: this.#plan, sandbox: this.#sandbox }
    return [this.#settled(), fact(this.#stream, 'EndpointJoined', about)]
  }

  #disconnect(plan: PlanId): readonly AnyFact[] {
    const { endpoint, sandbox } = { endpoint: this.#endpoint, sandbox: this.#sandbox }
    return [
      fact(this.#stream, 'EndpointLeaveRequested', { endpoint, plan, sandbox }),
      fact(this.#stream, 'EndpointReleaseRequested', { endpoint }),
      fact(streamOf.sandbox(sandbox), 'SandboxInterfaceRemoved', { endpoint, sandbox }),
      this.#intended(
        plan,
        'cut',
        this.#specs()
          .slice(0, 1)
          .map((spec) => ({ key: keyOf(spec), op: 'cut', spec })),
      ),
    ]
  }

  #left(plan: PlanId): readonly AnyFact[] {
    const endpoint = this.#endpoint
    const [spec, ...rest] = this.#specs()
    const steps: Step[] = spec ? [{ key: keyOf(spec), op: 'remove', spec, takes: rest.map(keyOf) }] : []
    return [
      this.#settled(),
      fact(this.#stream, 'EndpointLeft', { endpoint, plan: this.#plan, sandbox: this.#sandbox, sweep: plan }),
      fact(this.#stream, 'EndpointReleased', { endpoint }),
      this.#intended(plan, 'sweep', steps),
    ]
  }

  #swept(): readonly AnyFact[] {
    return [this.#settled()]
  }

  #settled(): AnyFact {
    return fact('effects', 'EffectsSettled', { failures: [], late: false, plan: this.#plan, seen: [] })
  }

  #intended(plan: PlanId, purpose: Purpose, steps: readonly Step[]): AnyFact {
    return fact('effects', 'EffectsIntended', { for: [this.#stream], plan, purpose, steps })
  }
}

const fact = (stream: Stream, type: AnyFact['type'], data: object): AnyFact =>
  ({ data, stream, type, v: 1, version: 1 }) as unknown as AnyFact

const beginning = (plan: PlanId, endpoints: number): readonly AnyFact[] => [
  ...networks.map((network, n) =>
    fact(streamOf.network(network), 'NetworkCreateRequested', {
      ...{
        bridge: { mac: `02:00:00:00:00:${10 + n}`, name: `cnb${n}` },
        driver: 'bridge',
        internal: false,
        labels: {},
      },
      ...{ masquerade: true, mtu: 0, name: `net${n}`, network, plan },
      subnets: [
        { gateway: `10.${n}.0.1`, subnet: `10.${n}.0.0/16` },
        { gateway: `fd00:${n}::1`, subnet: `fd00:${n}::/64` },
      ],
    }),
  ),
  ...Array.from({ length: endpoints }, (_, n) => {
    const sandbox = sha256(`sandbox ${n}`) as SandboxId
    const about = { domain: '', hostname: `web-${n}`, labels: {}, name: `box-${n}` }
    return fact(streamOf.sandbox(sandbox), 'SandboxCreateRequested', { ...about, plan, sandbox })
  }),
  ...networks.map((network) => fact(streamOf.network(network), 'NetworkCreated', { network, plan })),
  ...Array.from({ length: endpoints }, (_, n) => {
    const sandbox = sha256(`sandbox ${n}`) as SandboxId
    return fact(streamOf.sandbox(sandbox), 'SandboxCreated', { plan, sandbox })
  }),
]

/** Numbers facts within their streams, as the log does. */
function numbering(): (fact: AnyFact) => AnyFact {
  const versions = new Map<Stream, number>()
  return (each) => {
    const version = (versions.get(each.stream) ?? 0) + 1
    versions.set(each.stream, version)
    return { ...each, version }
  }
}

/** The rows of a log of so many facts, one commit at a time, sealed as the log seals them. */
export function* madeLog(
  facts: number,
  endpoints: number,
): Generator<{ readonly facts: number; readonly row: string }, void, void> {
  const slots = Array.from({ length: endpoints }, (_, n) => new Slot(n))
  const numbered = numbering()
  let [written, seed, prev] = [0, 1, '0'.repeat(64)]
  for (let seq = 1; written < facts; seq++) {
    // A linear congruential generator (Numerical Recipes' constants): every run has the same log.
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    const plan = `1.${seq}` as PlanId
    const next = seq === 1 ? beginning(plan, endpoints) : (slots[seed % endpoints]?.next(plan) ?? [])
    written += next.length
    const body = encodeCommit({
      actor: { kind: 'socket', verified: { pid: 4242, uid: 0 } },
      at: new Date(Date.UTC(2026, 0, 1) + seq).toISOString(),
      command: {
        data: { network: 'net1', sandbox: 'box-1' },
        id: `0199c3f2-7a10-7cc1-8000-${seq.toString(16).padStart(12, '0')}`,
        type: 'connect',
      },
      epoch: 1,
      facts: next.map(numbered),
      origin,
      prev,
      seq: seq as Seq,
    } as unknown as Commit)
    prev = sha256(body)
    yield { facts: next.length, row: prev + body }
  }
}
