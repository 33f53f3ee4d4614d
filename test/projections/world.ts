/**
 * Random but lawful logs: what an engine might have written, without an engine. The choices are numbers, so that fast-check
 * can shrink them. Beside the facts it keeps, in the plainest way, who has a reason to hold what.
 */
import type {
  AnyFact,
  Cidr,
  Commit,
  EffectsIntended,
  EndpointId,
  FactOf,
  FactType,
  IfName,
  Ip,
  Mac,
  NetworkId,
  PlanId,
  SandboxId,
  Spec,
  Step,
} from '../../events/index.ts'
import { keyOf, streamOf } from '../../events/index.ts'
import { commitOf, factOf } from './commits.ts'

export { commitOf, factOf }

type Data<T extends FactType> = FactOf<T>['data']
type Endpoint = {
  readonly address: number
  readonly id: EndpointId
  attempt: number
  joined?: { readonly ifName: IfName; readonly link: IfName; readonly sandbox: SandboxId }
  readonly mac: Mac
  readonly network: NetworkId
  state: 'joined' | 'joining' | 'leaving' | 'reserved'
}
type Plan = Pick<EffectsIntended['data'], 'for' | 'plan' | 'purpose' | 'steps'> & {
  readonly endpoint?: Endpoint
}

/** Ids look like ids: distinct from their first character on, and all alike from the second half. */
const idOf = (kind: string, n: number): never =>
  `${n.toString(16).padStart(8, '0')}${kind.charCodeAt(0).toString(16).repeat(28)}` as never

export class World {
  readonly commits: Commit<AnyFact>[] = []
  /** By `<table> <key>`: why it is held. Only what endpoints hold. */
  readonly reasons = new Map<string, Set<string>>()
  readonly #endpoints: Endpoint[] = []
  readonly #failed: (Plan & { readonly things: readonly string[] })[] = []
  readonly #networks: NetworkId[] = []
  readonly #plans: (Plan & { readonly things?: readonly string[] })[] = []
  readonly #sandboxes: SandboxId[] = []
  #count = 0

  /** Does something lawful, as `choice` says; nothing if that cannot be done at present. */
  act(choice: number): void {
    const pick = Math.floor(choice / 16)
    const actions = [
      () => this.#createNetwork(),
      () => this.#createSandbox(),
      () => this.#reserve(pick),
      () => this.#join(pick),
      () => this.#join(pick),
      () => this.#leave(pick, false),
      () => this.#leave(pick, true),
      () => this.#release(pick),
      () => this.#settle(pick, false),
      () => this.#settle(pick, false),
      () => this.#settle(pick, false),
      () => this.#settle(pick, true),
      () => this.#sweepAgain(pick),
      () => this.#drift(pick),
      () => this.#restart(pick % 4 === 0),
      () => this.#reserve(pick),
    ]
    actions[choice % 16]?.()
  }

  get #plan(): PlanId {
    return `1.${this.commits.length + 1}` as PlanId
  }

  #commit(...facts: readonly AnyFact[]): void {
    this.commits.push(commitOf(this.commits.length + 1, facts))
  }

  #createNetwork(): void {
    const network = idOf('n', ++this.#count)
    const n = this.#networks.push(network)
    if (n > 4) return void this.#networks.pop()
    const bridge = { mac: `02:00:00:00:01:0${n}` as Mac, name: `cnb${n}` as IfName }
    const spec: Spec = { ipv6: false, kind: 'bridge', mac: bridge.mac, mtu: 0, name: bridge.name }
    const stream = streamOf.network(network)
    this.#commit(
      factOf(stream, 'NetworkCreateRequested', {
        bridge,
        driver: 'bridge',
        internal: false,
        labels: {},
        masquerade: true,
        mtu: 0,
        name: `net${n}`,
        network,
        plan: this.#plan,
        subnets: [{ gateway: `10.0.${n}.1` as Ip, subnet: `10.0.${n}.0/24` as Cidr }],
      }),
      this.#intend({ for: [stream], plan: this.#plan, purpose: 'realise', steps: [ensure(spec)] }),
    )
  }

  #createSandbox(): void {
    const sandbox = idOf('s', ++this.#count)
    this.#sandboxes.push(sandbox)
    const stream = streamOf.sandbox(sandbox)
    const spec: Spec = { kind: 'netns', sandbox }
    const name = `box${this.#count}`
    this.#commit(
      factOf(stream, 'SandboxCreateRequested', {
        domain: '',
        hostname: `Host${this.#count}`,
        labels: {},
        name,
        plan: this.#plan,
        sandbox,
      }),
      this.#intend({ for: [stream], plan: this.#plan, purpose: 'realise', steps: [ensure(spec)] }),
    )
  }

  #reserve(pick: number): void {
    const network = at(this.#networks, pick)
    if (network === undefined) return
    const id: EndpointId = idOf('e', ++this.#count)
    const address = [2, 3, 4, 5, 6, 7, 8].find(
      (n) => !this.reasons.has(`addresses ${network}/${this.#ip(network, n)}`),
    )
    if (address === undefined) return
    const mac = `02:42:00:00:00:${this.#count.toString(16).padStart(2, '0').slice(-2)}` as Mac
    if (this.reasons.has(`macs ${network}/${mac}`)) return
    const endpoint: Endpoint = { address, attempt: 0, id, mac, network, state: 'reserved' }
    this.#endpoints.push(endpoint)
    this.#hold(this.#own(endpoint), `own ${id}`)
    this.#commit(
      factOf(streamOf.endpoint(id), 'EndpointReserved', {
        addresses: [`${this.#ip(network, address)}/24` as Cidr],
        endpoint: id,
        labels: {},
        mac,
        name: `ep${this.#count}`,
        network,
      }),
    )
  }

  #join(pick: number): void {
    const endpoint = at(
      this.#endpoints.filter((e) => e.state === 'reserved'),
      pick,
    )
    const sandbox = at(this.#sandboxes, pick)
    if (endpoint === undefined || sandbox === undefined) return
    const ifName = ['eth0', 'eth1', 'eth2'].find(
      (name) => !this.reasons.has(`ifNames ${sandbox}/${name}`),
    ) as IfName | undefined
    if (ifName === undefined) return
    const link = `cnv${endpoint.id.slice(0, 8)}${++endpoint.attempt}` as IfName
    endpoint.joined = { ifName, link, sandbox }
    endpoint.state = 'joining'
    this.#hold(this.#joined(endpoint), `joined ${endpoint.id}`)
    const { id, network } = endpoint
    const stream = streamOf.endpoint(id)
    this.#commit(
      factOf(stream, 'EndpointJoinRequested', {
        attempt: endpoint.attempt,
        endpoint: id,
        ifName,
        link: { mac: '02:00:00:00:00:01' as Mac, name: link },
        network,
        plan: this.#plan,
        priority: 0,
        releaseOnFailure: false,
        sandbox,
      }),
      factOf(streamOf.sandbox(sandbox), 'SandboxInterfaceAdded', {
        endpoint: id,
        gateway: ifName === 'eth0',
        gateway6: false,
        ifName,
        sandbox,
      }),
      this.#intend({
        endpoint,
        for: [stream],
        plan: this.#plan,
        purpose: 'realise',
        steps: this.#specs(endpoint).map(ensure),
      }),
    )
  }

  #leave(pick: number, release: boolean): void {
    const endpoint = at(
      this.#endpoints.filter((e) => e.state === 'joined'),
      pick,
    )
    if (endpoint?.joined === undefined) return
    endpoint.state = 'leaving'
    const { id, joined } = endpoint
    const stream = streamOf.endpoint(id)
    const [veth] = this.#specs(endpoint)
    this.#commit(
      factOf(stream, 'EndpointLeaveRequested', { endpoint: id, plan: this.#plan, sandbox: joined.sandbox }),
      ...(release ? [factOf(stream, 'EndpointReleaseRequested', { endpoint: id })] : []),
      factOf(streamOf.sandbox(joined.sandbox), 'SandboxInterfaceRemoved', {
        endpoint: id,
        sandbox: joined.sandbox,
      }),
      this.#intend({
        endpoint,
        for: [stream],
        plan: this.#plan,
        purpose: 'cut',
        steps: veth ? [{ key: keyOf(veth), op: 'cut', spec: veth }] : [],
      }),
    )
  }

  #release(pick: number): void {
    const endpoint = at(
      this.#endpoints.filter((e) => e.state === 'reserved'),
      pick,
    )
    if (endpoint === undefined) return
    const stream = streamOf.endpoint(endpoint.id)
    this.#commit(
      factOf(stream, 'EndpointReleaseRequested', { endpoint: endpoint.id }),
      factOf(stream, 'EndpointReleased', { endpoint: endpoint.id }),
    )
    this.#unhold(this.#own(endpoint), `own ${endpoint.id}`)
    this.#endpoints.splice(this.#endpoints.indexOf(endpoint), 1)
  }

  #settle(pick: number, fails: boolean): void {
    const plan = at(this.#plans, pick)
    if (plan === undefined) return
    this.#plans.splice(this.#plans.indexOf(plan), 1)
    const failed = plan.steps
      .slice(0, 1)
      .map(({ key }) => ({ class: 'retry' as const, code: 'EBUSY', key, message: 'busy' }))
    const failures = fails && plan.purpose !== 'cut' ? failed : []
    const settled = factOf('effects', 'EffectsSettled', { failures, late: false, plan: plan.plan, seen: [] })
    if (plan.purpose === 'sweep') this.#swept(plan, failures.length > 0)
    this.#commit(settled, ...this.#followUp(plan, failures))
  }

  #swept(plan: Plan & { readonly things?: readonly string[] }, failed: boolean): void {
    const things = plan.things ?? []
    if (failed) this.#failed.push({ ...plan, things })
    else for (const stream of plan.for) this.#unhold(things, `sweep ${plan.plan} ${stream}`)
  }

  #followUp(plan: Plan, failures: Data<'EffectsSettled'>['failures']): readonly AnyFact[] {
    const { endpoint } = plan
    if (endpoint?.joined === undefined || plan.purpose === 'sweep') {
      return plan.for.flatMap((stream): readonly AnyFact[] => {
        const id = stream.slice(stream.indexOf('/') + 1)
        if (plan.purpose !== 'realise' || failures.length > 0) return []
        if (stream.startsWith('network/'))
          return [factOf(stream, 'NetworkCreated', { network: id as NetworkId, plan: plan.plan })]
        return [factOf(stream, 'SandboxCreated', { plan: plan.plan, sandbox: id as SandboxId })]
      })
    }
    const { id, joined } = endpoint
    const stream = streamOf.endpoint(id)
    if (plan.purpose === 'realise' && failures.length === 0) {
      endpoint.state = 'joined'
      return [factOf(stream, 'EndpointJoined', { endpoint: id, plan: plan.plan, sandbox: joined.sandbox })]
    }
    const sweep = this.#plan
    const things = [...this.#own(endpoint), ...this.#joined(endpoint)]
    this.#hold(things, `sweep ${sweep} ${stream}`)
    this.#unhold(this.#joined(endpoint), `joined ${id}`)
    const [veth, ...rest] = this.#specs(endpoint)
    const steps: Step[] = veth ? [{ key: keyOf(veth), op: 'remove', spec: veth, takes: rest.map(keyOf) }] : []
    delete endpoint.joined
    endpoint.state = 'reserved'
    const common = { endpoint: id, plan: plan.plan, sandbox: joined.sandbox, sweep }
    return [
      plan.purpose === 'cut'
        ? factOf(stream, 'EndpointLeft', common)
        : factOf(stream, 'EndpointJoinFailed', { ...common, failures }),
      this.#intend({ for: [stream], plan: sweep, purpose: 'sweep', steps }, things),
    ]
  }

  #sweepAgain(pick: number): void {
    const plan = at(this.#failed, pick)
    if (plan === undefined) return
    // All that failed for the stream waits for the new plan.
    const same = this.#failed.filter((f) => f.for[0] === plan.for[0])
    const things = [...new Set(same.flatMap((f) => f.things))]
    for (const old of same) {
      this.#failed.splice(this.#failed.indexOf(old), 1)
      this.#hold(old.things, `sweep ${this.#plan} ${String(plan.for[0])}`)
      this.#unhold(old.things, `sweep ${old.plan} ${String(plan.for[0])}`)
    }
    this.#commit(
      this.#intend({ for: plan.for, plan: this.#plan, purpose: 'sweep', steps: plan.steps }, things),
    )
  }

  #drift(pick: number): void {
    const endpoint = at(
      this.#endpoints.filter((e) => e.state === 'joined'),
      pick,
    )
    const spec = endpoint && this.#specs(endpoint)[pick % 2]
    if (spec === undefined) return
    const found = pick % 3 === 0 ? ('missing' as const) : ('changed' as const)
    this.#commit(
      factOf('host', 'DriftObserved', { differences: [{ fields: [], found, key: keyOf(spec), spec }] }),
    )
  }

  #restart(fresh: boolean): void {
    const data = {
      bootId: 'b',
      code: '1',
      cookie: '1',
      epoch: this.commits.length,
      fresh,
    } as Data<'HostStarted'>
    this.#commit(factOf('host', 'HostStarted', data))
    if (!fresh) return
    for (const plan of this.#failed.splice(0))
      for (const stream of plan.for) this.#unhold(plan.things, `sweep ${plan.plan} ${stream}`)
  }

  #intend(plan: Plan, things: readonly string[] = []): AnyFact {
    this.#plans.push({ ...plan, things })
    const { for: streams, plan: id, purpose, steps } = plan
    return factOf('effects', 'EffectsIntended', { for: streams, plan: id, purpose, steps })
  }

  #ip(network: NetworkId, n: number): string {
    return `10.0.${this.#networks.indexOf(network) + 1}.${n}`
  }

  #specs({ address, joined, mac, network }: Endpoint): readonly Spec[] {
    if (joined === undefined) return []
    const { ifName, link, sandbox } = joined
    const bridge = `cnb${this.#networks.indexOf(network) + 1}` as IfName
    return [
      {
        bridge,
        kind: 'veth',
        mac: '02:00:00:00:00:01' as Mac,
        mtu: 0,
        name: link,
        peer: { ipv6: false, mac, name: ifName, ns: sandbox },
      },
      { address: `${this.#ip(network, address)}/24` as Cidr, kind: 'addr', link: ifName, ns: sandbox },
    ]
  }

  #own({ address, mac, network }: Endpoint): readonly string[] {
    return [`addresses ${network}/${this.#ip(network, address)}`, `macs ${network}/${mac}`]
  }

  #joined({ joined }: Endpoint): readonly string[] {
    return joined ? [`ifNames ${joined.sandbox}/${joined.ifName}`] : []
  }

  #hold(things: readonly string[], reason: string): void {
    for (const thing of things) this.reasons.set(thing, (this.reasons.get(thing) ?? new Set()).add(reason))
  }

  #unhold(things: readonly string[], reason: string): void {
    for (const thing of things) {
      const left = this.reasons.get(thing)
      left?.delete(reason)
      if (left?.size === 0) this.reasons.delete(thing)
    }
  }
}

const ensure = (spec: Spec): Step => ({ key: keyOf(spec), op: 'ensure', spec })
const at = <T>(all: readonly T[], pick: number): T | undefined => all[pick % Math.max(all.length, 1)]
