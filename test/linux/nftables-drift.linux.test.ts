/** Somebody else at our table: seen, hinted at, repaired; and nothing of theirs touched. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyOf } from '../../events/index.ts'
import type { Hint } from '../../src/kernel/kernel.ts'
import type { Firewall } from '../../src/kernel/linux/firewall.ts'
import { libc } from '../../src/kernel/linux/libc.ts'
import { openFirewall } from '../../src/kernel/linux/nftables/index.ts'
import { Lab, someOrigin } from './nftables-lab.ts'
import { changed, ensure, remove, specsOf } from './nftables-specs.ts'

describe('drift', () => {
  let lab: Lab
  const origin = someOrigin()
  const { a, b, firewall, internal, network, table } = specsOf(origin)
  const all = [firewall, a, b, internal]
  let fw: Firewall
  beforeAll(async () => {
    lab = new Lab()
    fw = await openFirewall({ openSocket: lab.openSocket, origin })
    lab.nft('table inet stranger { chain c { type filter hook forward priority 5; counter; }; }')
    lab.nft('table ip stranger { set s { type ipv4_addr; elements = { 10.0.0.1 }; }; }')
  })
  afterAll(() => {
    fw.close()
    lab[Symbol.dispose]()
  })

  const T = `inet ${table}`
  it.each<[string, string, Record<string, readonly string[] | undefined>]>([
    ['a chain is flushed', `flush chain ${T} to-br-a`, { a: ['chain to-br-a'] }],
    ['a base chain is flushed', `flush chain ${T} forward`, { firewall: ['chain forward'] }],
    ['a rule is added', `insert rule ${T} to-br-b tcp dport 22 accept`, { b: ['chain to-br-b'] }],
    ['the policy is changed', `chain ${T} forward { policy drop; }`, { firewall: ['chain forward'] }],
    ['the table is put to sleep', `table ${T} { flags dormant; }`, { firewall: ['flags'] }],
    [
      'the table is deleted',
      `delete table ${T}`,
      { a: undefined, b: undefined, firewall: undefined, internal: undefined },
    ],
    [
      'the ruleset is flushed',
      `flush table ${T}; flush map ${T} from; flush map ${T} to; flush map ${T} nat`,
      {
        a: ['chain nat-br-a', 'chain to-br-a', 'map nat', 'map to'],
        b: ['chain nat-br-b', 'chain to-br-b', 'map nat', 'map to'],
        firewall: ['chain forward', 'chain postrouting'],
        internal: ['chain from-br-i', 'chain to-br-i', 'map from', 'map to'],
      },
    ],
    ['an element is deleted', `delete element ${T} to { "br-a" }`, { a: ['map to'] }],
    [
      'an element leads elsewhere',
      `delete element ${T} to { "br-a" }; add element ${T} to { "br-a" : accept }`,
      { a: ['map to'] },
    ],
    [
      'an element is added to a known bridge',
      `add element ${T} from { "br-a" : accept }`,
      { a: ['map from'] },
    ],
    ['a catch-all is added', `add element ${T} from { * : accept }`, { firewall: ['map from'] }],
    [
      'a chain is added',
      `add chain ${T} foo; add rule ${T} foo drop; add rule ${T} to-br-a jump foo`,
      { a: ['chain to-br-a'], firewall: ['chain foo'] },
    ],
    [
      'a base chain is added',
      `add chain ${T} evil { type filter hook forward priority 1; policy drop; }`,
      { firewall: ['chain evil'] },
    ],
    [
      'a set is added',
      `add set ${T} s { type ipv4_addr; flags interval; }; add rule ${T} to-br-a ip saddr @s accept; add rule ${T} to-br-a ip saddr { 1.2.3.4, 1.2.3.5 } accept`,
      { a: ['chain to-br-a'], firewall: ['map s'] },
    ],
    [
      'a base chain hooks elsewhere',
      `flush chain ${T} postrouting; delete chain ${T} postrouting; add chain ${T} postrouting { type nat hook postrouting priority 50; policy accept; }; add rule ${T} postrouting iifname vmap @nat`,
      { firewall: ['chain postrouting'] },
    ],
    [
      'a map is of another kind',
      `flush chain ${T} postrouting; delete map ${T} nat; add set ${T} nat { type ifname; }`,
      { a: ['map nat'], b: ['map nat'], firewall: ['chain postrouting', 'map nat'] },
    ],
    [
      'a map has flags',
      `flush chain ${T} postrouting; delete map ${T} nat; add map ${T} nat { type ifname : verdict; flags timeout; }; add rule ${T} postrouting iifname vmap @nat; add element ${T} nat { "br-a" : jump nat-br-a }`,
      { a: ['map nat'], b: ['map nat'], firewall: ['map nat'] },
    ],
  ])('is seen and repaired when %s', async (_, script, expected) => {
    await fw.apply(all.map(ensure))
    const good = lab.nft('list ruleset')
    lab.nft(script)
    const { found, strays } = await fw.observe(all, true)
    for (const [name, spec] of Object.entries({ a, b, firewall, internal })) {
      const one = found.get(keyOf(spec))
      if (!(name in expected)) expect(one).toEqual({ ours: true, spec })
      else if (expected[name] === undefined) expect(one).toBeUndefined()
      else expect(one).toEqual({ ours: true, spec: { ...spec, differs: expected[name] } })
    }
    expect(strays).toEqual([])
    const results = await fw.apply(all.map(ensure))
    expect(changed(results)).toEqual(['firewall', 'a', 'b', 'internal'].map((name) => name in expected))
    expect(lab.nft('list ruleset').split('\n').sort()).toEqual(good.split('\n').sort())
    const after = await fw.observe(all, true)
    expect([...after.found.values()]).toEqual(all.map((spec) => ({ ours: true, spec })))
  })

  it('shows what nobody asked for, and can remove it', async () => {
    await fw.apply(all.map(ensure))
    const odd = network('br:x', [])
    await fw.apply([ensure(odd)])
    lab.nft(`add element ${T} from { "eth9" : drop }; add chain ${T} nat-br-z`)
    const { strays } = await fw.observe(all, true)
    expect(strays.map(({ key }) => key)).toEqual([
      `nft/${table}/br-z`,
      `nft/${table}/br:x`,
      `nft/${table}/eth9`,
    ])
    expect(changed(await fw.apply(strays.map(({ spec }) => remove(spec))))).toEqual([true, true, true])
    expect((await fw.observe(all, true)).strays).toEqual([])
    expect((await fw.observe([a], true)).strays.map(({ key }) => key)).toEqual([`nft/${table}`])
    expect((await fw.observe([a], false)).strays).toEqual([])
  })

  it('is hinted at when it is of our table and not of our doing', async () => {
    await fw.apply(all.map(ensure))
    const hints: Hint[] = []
    const stop = fw.onHint((hint) => hints.push(hint))
    lab.nft('add table ip another')
    await fw.apply([remove(a)])
    lab.nft(`flush chain ${T} to-br-b`)
    await expect.poll(() => hints).toEqual([{ ns: 'host', subject: table, what: 'nft' }])
    stop()
  })

  it('is hinted at as an overrun when messages were lost', async () => {
    const hints: Hint[] = []
    const deaf = await openFirewall({
      openSocket: async (options) => {
        const socket = await lab.openSocket(options)
        libc().setsockopt(socket.fd, 1, 8, Buffer.of(0, 8, 0, 0), 4)
        return socket
      },
      origin,
    })
    deaf.onHint((hint) => hints.push(hint))
    lab.nft(Array.from({ length: 200 }, (_, i) => `add chain ip stranger c${i}`).join('\n'))
    await expect.poll(() => hints).toContainEqual({ ns: 'host', what: 'overrun' })
    deaf.close()
  })
})
