/**
 * What replay costs: 300,000 facts of 10,000 endpoints that come and go in random order, through verifying, parsing and all
 * machines and projections. Microseconds of processor time (helper threads included) per fact, one JSON line per round:
 * `node --max-semi-space-size=64 dist/bench/replay.js [facts] [endpoints] [rounds]`.
 *
 * `open` is the log's own open from disk and `bare` only reading its rows there, both by the clock, in facts per second. For
 * the rest rows are in memory, so the store is not in it. `fold` is one run of open edits, as replay folds; `foldByFact` is what a
 * turn does, a version for each fact; `foldWithHistory` adds the index behind `why`.
 */
import { hash } from 'node:crypto'
import { decodeCommit, encodeCommit, keyOf, openLog, streamOf } from '../events/index.ts'
import { keys, readRows } from '../events/store.ts'
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
import {
  allProjections,
  beginProjections,
  foldCommits,
  foldFact,
  initialProjections,
  positionOf,
  projectionsFrom,
  tablesOf,
  withHistory,
  type ProjectionName,
  type Projections,
} from '../projections/index.ts'
import { ViewFold } from '../src/engine/view.ts'
import { openLevel } from '../src/storage/level.ts'
import { inDirectory } from './support.ts'

const FACTS = Number(process.argv[2] ?? 300_000)
const ENDPOINTS = Number(process.argv[3] ?? 10_000)
const ROUNDS = Number(process.argv[4] ?? 5)
const NETWORKS = 20
/** Rows that the log reads at once. */
const CHUNK_ROWS = 1000

const sha256 = (text: string): string => hash('sha256', text, 'hex')
const origin = sha256('bench')
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

const beginning = (plan: PlanId): readonly AnyFact[] => [
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
  ...Array.from({ length: ENDPOINTS }, (_, n) => {
    const sandbox = sha256(`sandbox ${n}`) as SandboxId
    const about = { domain: '', hostname: `web-${n}`, labels: {}, name: `box-${n}` }
    return fact(streamOf.sandbox(sandbox), 'SandboxCreateRequested', { ...about, plan, sandbox })
  }),
  ...networks.map((network) => fact(streamOf.network(network), 'NetworkCreated', { network, plan })),
  ...Array.from({ length: ENDPOINTS }, (_, n) => {
    const sandbox = sha256(`sandbox ${n}`) as SandboxId
    return fact(streamOf.sandbox(sandbox), 'SandboxCreated', { plan, sandbox })
  }),
]

/** Numbers facts within their streams, as the log does. */
const versions = new Map<Stream, number>()
function numbered(each: AnyFact): AnyFact {
  const version = (versions.get(each.stream) ?? 0) + 1
  versions.set(each.stream, version)
  return { ...each, version }
}

/** The rows of such a log, sealed as the log seals them. */
function rows(): { readonly facts: number; readonly rows: readonly string[] } {
  const slots = Array.from({ length: ENDPOINTS }, (_, n) => new Slot(n))
  const sealed: string[] = []
  let [facts, seed] = [0, 1]
  while (facts < FACTS) {
    const seq = sealed.length + 1
    // A linear congruential generator (Numerical Recipes' constants): every run has the same log.
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    const plan = `1.${seq}` as PlanId
    const next = seq === 1 ? beginning(plan) : (slots[seed % ENDPOINTS]?.next(plan) ?? [])
    facts += next.length
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
      prev: sealed.at(-1)?.slice(0, 64) ?? '0'.repeat(64),
      seq: seq as Seq,
    } as unknown as Commit)
    sealed.push(sha256(body) + body)
  }
  return { facts, rows: sealed }
}

function foldByFact(commits: readonly Commit<AnyFact>[]): Projections {
  let next = initialProjections
  for (const commit of commits)
    commit.facts.forEach((each, i) => {
      next = foldFact(next, each, positionOf(commit, i))
    })
  return next
}

/** One projection alone, as a share of the fold. */
function foldOnly(name: ProjectionName, commits: readonly Commit<AnyFact>[]): void {
  const { evolve, types } = allProjections[name] as unknown as {
    evolve: (state: unknown, fact: AnyFact, position: unknown) => unknown
    types: readonly string[]
  }
  let state: unknown = beginProjections(withHistory)[name]
  const wanted = new Set(types)
  for (const commit of commits)
    commit.facts.forEach((each, i) => {
      if (wanted.has(each.type)) state = evolve(state, each, positionOf(commit, i))
    })
}

const log = rows()

/** Processor time of this process per fact: on a shared machine wall time tells of the neighbours. */
const perFact = (run: () => unknown): number => {
  const start = process.cpuUsage()
  run()
  const { system, user } = process.cpuUsage(start)
  return Number(((system + user) / log.facts).toFixed(2))
}

/** As the log's open does it: chunks of commits, verified and parsed, then folded into machines and projections. */
function replayAll(): void {
  const fold = new ViewFold()
  for (let from = 0; from < log.rows.length; from += CHUNK_ROWS) {
    const commits = log.rows.slice(from, from + CHUNK_ROWS).map((row) => {
      const body = row.slice(64)
      if (sha256(body) !== row.slice(0, 64)) throw new Error('damaged')
      return decodeCommit<AnyFact>(body)
    })
    fold.add(commits)
  }
  fold.view()
}

const perSecond = (start: number): number => Math.round((log.facts / (performance.now() - start)) * 1000)

/** The same from a store on disk, by the clock: the log's own open, and only reading the rows. Facts per second. */
async function openFromDisk(path: string): Promise<{ readonly bare: number; readonly open: number }> {
  const store = await openLevel(path, true)
  for (let from = 0; from < log.rows.length; from += CHUNK_ROWS) {
    const batch = store.batch()
    for (const [i, row] of log.rows.slice(from, from + CHUNK_ROWS).entries())
      batch.put(keys.commit(from + i + 1), row)
    await batch.write()
  }
  let start = performance.now()
  for await (const rows of readRows(store, keys.commits(1))) if (rows.length === 0) break
  const bare = perSecond(start)
  let fold = new ViewFold()
  start = performance.now()
  const opened = await openLog<AnyFact>({
    afterTurn: (run) => void setImmediate(run),
    hash: sha256,
    origin: origin as Origin,
    replay: {
      chunk: (commits) => {
        fold.add(commits)
      },
      restart: () => {
        fold = new ViewFold()
      },
    },
    store,
  })
  const open = perSecond(start)
  if (opened.damage !== undefined || fold.view().seq !== log.rows.length)
    throw new Error('the log did not open whole')
  await opened.close()
  await store.close()
  return { bare, open }
}

for (let round = 1; round <= ROUNDS; round++) {
  const disk = await inDirectory(openFromDisk)
  const all = perFact(replayAll)
  let commits: readonly Commit<AnyFact>[] = []
  let folded = initialProjections
  const verify = perFact(() => log.rows.every((row) => sha256(row.slice(64)) === row.slice(0, 64)))
  const parse = perFact(() => (commits = log.rows.map((row) => decodeCommit<AnyFact>(row.slice(64)))))
  const fold = perFact(() => (folded = foldCommits(initialProjections, commits)))
  const byFact = perFact(() => foldByFact(commits))
  const foldWithHistory = perFact(() => foldCommits(withHistory, commits))
  const each = Object.fromEntries(
    (Object.keys(allProjections) as ProjectionName[]).map((name) => [
      name,
      perFact(() => foldOnly(name, commits)),
    ]),
  )
  const start = performance.now()
  const stored = new Map([...tablesOf(folded)].map(([name, table]) => [name, JSON.stringify([...table])]))
  const saveMs = Math.round(performance.now() - start)
  projectionsFrom(new Map([...stored].map(([name, json]) => [name, JSON.parse(json) as unknown[]])))
  const loadMs = Math.round(performance.now() - start) - saveMs
  const snapshotKb = Math.round([...stored.values()].reduce((sum, json) => sum + json.length, 0) / 1024)
  console.log(
    JSON.stringify({
      ...{ bench: 'replay', round, facts: log.facts, endpoints: folded.topology.endpoints.size },
      ...{
        ...disk,
        all,
        factsPerSecond: Math.round(1e6 / all),
        verify,
        parse,
        fold,
        foldByFact: byFact,
        foldWithHistory,
      },
      ...{ each, saveMs, loadMs, snapshotKb },
    }),
  )
}
