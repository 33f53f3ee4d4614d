/** Facts as sentences: every type has one, in names that people gave. */
import { describe, expect, it } from 'vitest'
import type { AnyFact, Commit, FactOf, FactType, Instant, PlanId } from '../../events/index.ts'
import { Names } from '../../src/operations/names.ts'
import { asked, factTypes, headline, sentence, who } from '../../src/cli/sentences.ts'

const id = (digit: string): string => digit.repeat(64)
const [NET, BOX, END] = [id('1'), id('2'), id('3')]
const NAMES = { [BOX]: 'a', [END]: 'a-web', [NET]: 'web' }
const AT = '2026-01-01T00:00:00.005Z' as Instant
const failures = [{ class: 'fatal', code: 'EPERM', key: 'k', message: 'link cnv1: EPERM' }]
const veth = {
  bridge: 'cnb1',
  kind: 'veth',
  mac: '02:00:00:00:00:01',
  mtu: 0,
  name: 'cnv1',
  peer: { ipv6: false, mac: '02:42:ac:12:00:02', name: 'eth0', ns: BOX },
}
const steps = [{ key: 'link/host/cnv1', op: 'ensure', spec: veth }]
const bridge = { mac: '02:00:00:00:00:02', name: 'cnb1' }

const SAMPLES: { readonly [T in FactType]: readonly [data: object, said: string] } = {
  AddressLent: [
    {
      address: '10.0.0.9/20',
      host: 'host-b',
      key: 'address.x.0a00000920',
      network: NET,
      seq: 7,
      stream: 's',
      to: 'o2',
    },
    'address 10.0.0.9/20 of web is lent to host-b',
  ],
  AddressReturned: [
    { address: '10.0.0.9/20', key: 'address.x.0a00000920', network: NET, to: 'o2' },
    'address 10.0.0.9/20 of web is returned by o2',
  ],
  ClaimGranted: [
    {
      cidr: '10.0.0.32/27',
      first: { seq: 7, stream: 's' },
      key: 'block.x',
      kind: 'block',
      network: NET,
      seq: 7,
      stream: 's',
      subnet: '10.0.0.0/20',
    },
    'the cluster grants block 10.0.0.32/27 of web (message 7)',
  ],
  ClaimLost: [
    { host: 'h2', key: `block.${NET}.0a0000201b`, to: 'o', why: 'taken' },
    'block 10.0.0.32/27 of web belongs to h2, which came first: nothing new is given out of it here',
  ],
  ClaimReleased: [
    { key: 'pool.0a00000014', restsUntil: AT },
    `pool 10.0.0.0/20 is given up in the cluster; it rests until ${AT}`,
  ],
  ClockSteppedBack: [
    { clock: '2026-01-01T00:00:00.000Z', log: AT },
    `the clock stepped back to 2026-01-01T00:00:00.000Z; times stay at ${AT} until it is there again`,
  ],
  ClusterJoined: [
    { allowLegacyServer: false, host: 'h1', servers: ['nats://a:4222', 'nats://b:4222'] },
    'h1 joined the cluster at nats://a:4222, nats://b:4222',
  ],
  ClusterLeft: [{ host: 'h1' }, 'h1 left the cluster'],
  Contention: [
    { change: 'link cnv1 was removed', heals: 3, key: 'k', restMs: 2000 },
    'link cnv1 was removed (healed 3 times); healing of it rests for 2.0 s',
  ],
  DriftObserved: [
    {
      differences: [
        { fields: [], found: 'missing', key: 'link/host/cnv1', spec: veth },
        {
          fields: ['mtu'],
          found: 'changed',
          key: 'link/host/cnb1',
          spec: { ...bridge, ipv6: false, kind: 'bridge', mtu: 0 },
        },
      ],
    },
    'somebody changed the kernel; missing: link eth0 of a (cnv1 on cnb1); changed: bridge cnb1 (mtu)',
  ],
  EffectsIntended: [{ for: [], plan: '1.4', purpose: 'realise', steps }, 'to realise 1 step: link'],
  EffectsSettled: [
    { failures: [], late: false, plan: '1.3', seen: [] },
    'realise of #3: 1 of 1 done: link · 5 ms',
  ],
  EndpointJoinFailed: [
    { endpoint: END, failures, plan: '1.3', sandbox: BOX },
    'a-web did not get into sandbox a: link cnv1: EPERM',
  ],
  EndpointJoinRequested: [
    {
      attempt: 2,
      endpoint: END,
      ifName: 'eth0',
      link: { mac: '', name: 'cnv1' },
      network: NET,
      plan: '1.3',
      priority: 0,
      releaseOnFailure: false,
      sandbox: BOX,
    },
    'a-web is to be eth0 in sandbox a (join 2)',
  ],
  EndpointJoined: [{ endpoint: END, plan: '1.3', sandbox: BOX }, 'a-web is in sandbox a and carries'],
  EndpointLeaveFailed: [
    { endpoint: END, failures, plan: '1.3', sandbox: BOX },
    'a-web could not be taken out of sandbox a: link cnv1: EPERM',
  ],
  EndpointLeaveRequested: [{ endpoint: END, plan: '1.3', sandbox: BOX }, 'a-web is to leave sandbox a'],
  EndpointLeft: [
    { endpoint: END, plan: '1.3', sandbox: BOX, sweep: '1.4' },
    'a-web has left sandbox a; its link is still to be deleted',
  ],
  EndpointReleaseRequested: [{ endpoint: END }, 'a-web is to give up its addresses and its name'],
  EndpointReleased: [{ endpoint: END }, 'a-web is released: its addresses and its name are free'],
  EndpointReserved: [
    {
      addresses: ['172.18.0.2/16'],
      endpoint: END,
      labels: {},
      mac: '02:42:ac:12:00:02',
      name: 'a-web',
      network: NET,
    },
    'a-web holds 172.18.0.2/16, 02:42:ac:12:00:02 on network web',
  ],
  HostEvicted: [
    { dead: true, host: 'h2', origin: 'o' },
    'h2 was confirmed dead: its blocks may be claimed by others',
  ],
  HostStarted: [
    { bootId: 'b', code: '0.1.0', cookie: '1', epoch: 3, fresh: false },
    'epoch 3 begins (chronet 0.1.0)',
  ],
  NetworkCreateFailed: [
    { failures, network: NET, plan: '1.3' },
    'network web could not be made: link cnv1: EPERM',
  ],
  NetworkCreateRequested: [
    {
      bridge,
      driver: 'bridge',
      internal: true,
      labels: {},
      masquerade: true,
      mtu: 0,
      name: 'web',
      network: NET,
      plan: '1.3',
      subnets: [{ gateway: '172.18.0.1', subnet: '172.18.0.0/16' }],
    },
    'network web is to be made by driver bridge on cnb1: 172.18.0.0/16, gateway 172.18.0.1; internal',
  ],
  NetworkCreated: [{ network: NET, plan: '1.3' }, 'network web is there'],
  NetworkDeleteFailed: [
    { failures, network: NET, plan: '1.3' },
    'network web could not be removed: link cnv1: EPERM',
  ],
  NetworkDeleteRequested: [{ network: NET, plan: '1.3' }, 'network web is to go; its name is free'],
  NetworkDeleted: [
    { network: NET, plan: '1.3', sweep: '1.4' },
    'network web is gone; its bridge is still to be deleted',
  ],
  OrphansRemoved: [{ orphans: ['link cnv9'] }, 'removed what bore our mark and no fact spoke of: link cnv9'],
  SandboxCreateFailed: [
    { failures, plan: '1.3', sandbox: BOX },
    'sandbox a could not be made: link cnv1: EPERM',
  ],
  SandboxCreateRequested: [
    { domain: '', hostname: 'test', labels: {}, name: 'a', plan: '1.3', sandbox: BOX },
    'sandbox a is to be made, host name test',
  ],
  SandboxCreated: [{ plan: '1.3', sandbox: BOX }, 'sandbox a is there'],
  SandboxDeleteFailed: [
    { failures, plan: '1.3', sandbox: BOX },
    'sandbox a could not be removed: link cnv1: EPERM',
  ],
  SandboxDeleteRequested: [{ plan: '1.3', sandbox: BOX }, 'sandbox a is to go; its name is free'],
  SandboxDeleted: [{ plan: '1.3', sandbox: BOX }, 'sandbox a is gone'],
  SandboxInterfaceAdded: [
    { endpoint: END, gateway: true, gateway6: false, ifName: 'eth0', sandbox: BOX },
    'sandbox a has eth0 by a-web, and the default route (IPv4)',
  ],
  SandboxInterfaceRemoved: [
    { endpoint: END, gateway: END, sandbox: BOX },
    'sandbox a gives up the interface of a-web; its default route passes to a-web',
  ],
  VniAssigned: [{ network: NET, vni: 4711 }, 'network web has VNI 4711 in the cluster'],
  SandboxVanished: [{ failures, sandbox: BOX }, 'sandbox a is vanished: link cnv1: EPERM'],
}

/** With a plan that was intended 5 ms before. */
function names(): Names {
  const known = new Names(NAMES)
  const intended = {
    data: { for: [], plan: '1.3' as PlanId, purpose: 'realise', steps },
    type: 'EffectsIntended',
  }
  known.add({ at: '2026-01-01T00:00:00.000Z', facts: [intended] } as unknown as Commit<AnyFact>)
  return known
}

describe('a fact', () => {
  it.each(Object.entries(SAMPLES))('%s reads as a sentence', (type, [data, said]) => {
    const fact = { data, type } as unknown as FactOf<FactType>
    expect(sentence(fact, names(), AT)).toBe(said)
  })

  it('of no type is without a sentence', () => {
    expect([...factTypes].sort()).toEqual(Object.keys(SAMPLES).sort())
  })

  it('tells what is particular to a network', () => {
    const [data] = SAMPLES.NetworkCreateRequested
    const subnets = [
      {
        auxAddresses: { printer: '172.18.0.8', router: '172.18.0.9' },
        gateway: '172.18.0.1',
        ipRange: '172.18.5.0/24',
        subnet: '172.18.0.0/16',
      },
      { gateway: 'fd00::1', subnet: 'fd00::/64' },
    ]
    const rest = { ifPrefix: 'lan', internal: false, masquerade: false, mtu: 9000, subnets }
    const fact = { data: { ...data, ...rest }, type: 'NetworkCreateRequested' } as never
    expect(sentence(fact, names(), AT)).toBe(
      'network web is to be made by driver bridge on cnb1: 172.18.0.0/16, gateway 172.18.0.1, addresses out of 172.18.5.0/24, ' +
        'printer=172.18.0.8 set aside, router=172.18.0.9 set aside; fd00::/64, gateway fd00::1; not masqueraded; mtu 9000; interfaces lan0, …',
    )
  })

  it('names no message of the cluster where there is none: of what is only tried', () => {
    const [data] = SAMPLES.ClaimGranted
    const fact = { data: { ...data, seq: 0 }, type: 'ClaimGranted' } as never
    expect(sentence(fact, names(), AT)).toBe('the cluster grants block 10.0.0.32/27 of web')
  })

  it('tells failures, late receipts, and a thing that nobody named by its id', () => {
    const settled = (data: object) =>
      sentence(
        {
          data: { failures: [], late: false, plan: '1.3', seen: [], ...data },
          type: 'EffectsSettled',
        } as never,
        names(),
        AT,
      )
    expect(settled({ failures })).toBe('realise of #3: 1 of 1 failed: link cnv1: EPERM')
    expect(settled({ late: true })).toBe('realise of #3: 1 of 1 done: link, settled late')
    expect(settled({ plan: '2.9' })).toBe('plan 2.9: done')
    const gone = { data: { network: id('9'), plan: '1.1' }, type: 'NetworkCreated' } as never
    expect(sentence(gone, names(), AT)).toBe(`network ${'9'.repeat(12)} is there`)
  })
})

describe('who', () => {
  it.each([
    [{ kind: 'engine' }, 'the engine'],
    [{ kind: 'library' }, 'a program (library)'],
    [{ kind: 'cli', verified: { pid: 1, uid: 1000 } }, 'uid 1000'],
    [{ claimed: { name: 'root' }, kind: 'cli', verified: { pid: 1, uid: 0 } }, 'root (uid 0)'],
    [
      {
        claimed: { name: 'root', sudoUid: 1000, sudoUser: 'alice' },
        kind: 'cli',
        verified: { pid: 1, uid: 0 },
      },
      'alice (uid 1000, through sudo)',
    ],
    [{ claimed: { sudoUser: 'alice' }, kind: 'cli', verified: { pid: 1, uid: 0 } }, 'alice (through sudo)'],
  ] as const)('%j is %s', (actor, words) => expect(who(actor)).toBe(words))
})

describe('a command', () => {
  it.each([
    ['connect', { network: NET, sandbox: 'a' }, 'connect web a'],
    ['network.create', { driver: 'bridge', name: 'web' }, 'network create web'],
    ['network.create', { name: 'web', options: { 'a.b': 'c' } }, 'network create web --opt a.b=c'],
    ['network.delete', { network: 'web' }, 'network rm web'],
    ['endpoint.create', { name: 'e1', network: 'web' }, 'endpoint create web e1'],
    ['endpoint.join', { endpoint: END, sandbox: BOX }, 'endpoint join a-web a'],
    ['sandbox.delete', { sandbox: 'a-name-longer-than-an-id' }, 'sandbox rm a-name-longer-than-an-id'],
  ])('%s %j reads as it is typed', (type, data, words) => {
    expect(asked({ command: { data, id: '1', type } } as never, names())).toBe(words)
  })

  it('stands above its facts, with who gave it and why', () => {
    const commit = {
      actor: { kind: 'cli', verified: { pid: 1, uid: 1000 } },
      at: AT,
      command: { data: { network: 'web', sandbox: 'a' }, id: '1', type: 'connect' },
      facts: [],
      reason: 'blue-green test',
      seq: 8,
    } as unknown as Commit<AnyFact>
    const line = headline(commit, names(), Date.parse(AT))
    expect(line).toMatch(/^#8 {2}\d\d:\d\d:\d\d\.005 {2}connect web a · cli · uid 1000 · "blue-green test"$/)
  })
})
