/** Steps on the real kernel: idempotent, atomic, and only in our own table. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyOf, type Origin } from '../../events/index.ts'
import type { Hint } from '../../src/kernel/kernel.ts'
import type { Firewall } from '../../src/kernel/linux/firewall.ts'
import { libc } from '../../src/kernel/linux/libc.ts'
import { NETLINK_ROUTE, NetlinkError, NetlinkSocket } from '../../src/kernel/linux/netlink.ts'
import { openFirewall } from '../../src/kernel/linux/nftables/index.ts'
import { Lab, someOrigin } from './nftables-lab.ts'
import { changed, ensure, remove, specsOf, type Specs } from './nftables-specs.ts'

/** A host, an engine's specs and its firewall, for the length of a test. */
async function within(
  test: (lab: Lab, specs: Specs, fw: Firewall, origin: Origin) => Promise<void>,
): Promise<void> {
  using lab = new Lab()
  const origin = someOrigin()
  const fw = await openFirewall({ openSocket: lab.openSocket, origin })
  try {
    await test(lab, specsOf(origin), fw, origin)
  } finally {
    fw.close()
  }
}

describe('steps', () => {
  it('write nothing when all is as it should be', () =>
    within(async (lab, specs, fw, origin) => {
      const hints: Hint[] = []
      const all = [specs.firewall, specs.a, specs.internal].map(ensure)
      expect(changed(await fw.apply(all))).toEqual([true, true, true])
      const other = await openFirewall({ openSocket: lab.openSocket, origin })
      other.onHint((hint) => hints.push(hint))
      expect(changed(await fw.apply(all))).toEqual([false, false, false])
      expect(changed(await other.apply(all))).toEqual([false, false, false])
      await new Promise((resolve) => setImmediate(resolve))
      expect(hints).toEqual([])
      other.close()
    }))

  it('change a network in place, both ways', () =>
    within(async (lab, specs, fw) => {
      await fw.apply([specs.firewall, specs.a].map(ensure))
      const before = lab.nft('list ruleset')
      const inside = { ...specs.a, internal: true }
      expect(changed(await fw.apply([ensure(inside)]))).toEqual([true])
      expect(lab.nft(`list table inet ${specs.table}`)).toContain('jump from-br-a')
      expect(changed(await fw.apply([ensure(specs.a), ensure(specs.b)]))).toEqual([true, true])
      expect(changed(await fw.apply([remove(specs.b)]))).toEqual([true])
      expect(lab.nft('list ruleset')).toBe(before)
    }))

  it('remove what is there, and call it success where nothing is', () =>
    within(async (lab, specs, fw) => {
      expect(changed(await fw.apply([remove(specs.a), remove(specs.firewall)]))).toEqual([false, false])
      await fw.apply([specs.firewall, specs.a, specs.b].map(ensure))
      expect(changed(await fw.apply([remove(specs.a)]))).toEqual([true])
      expect(changed(await fw.apply([remove(specs.a)]))).toEqual([false])
      expect(lab.nft('list ruleset')).not.toContain('br-a')
      expect(changed(await fw.apply([remove(specs.firewall)]))).toEqual([true])
      expect(lab.nft('list ruleset')).toBe('')
    }))

  it('fail for want of a table, and name a table of a stranger as a conflict', () =>
    within(async (lab, specs, fw) => {
      expect(changed(await fw.apply([ensure(specs.a)]))).toEqual(['retry ENOENT'])
      lab.nft(`table inet ${specs.table} { comment "mine"; chain forward { }; }`)
      const before = lab.nft('list ruleset')
      expect(changed(await fw.apply([specs.firewall, specs.a].map(ensure)))).toEqual([
        'conflict EEXIST',
        'conflict EEXIST',
      ])
      expect(changed(await fw.apply([remove(specs.a), remove(specs.firewall)]))).toEqual([false, false])
      expect(lab.nft('list ruleset')).toBe(before)
      const { found, strays } = await fw.observe([specs.firewall, specs.a], true)
      expect(strays).toEqual([])
      expect([...found]).toEqual([
        [keyOf(specs.firewall), { ours: false, spec: { differs: ['comment'], ...specs.firewall } }],
      ])
    }))

  it('succeed beside one that the kernel refuses', () =>
    within(async (lab, specs, fw) => {
      await fw.apply([specs.firewall, specs.a].map(ensure))
      // A stranger's rule holds the chain of a, which can not go while it is in use.
      lab.nft(`add chain inet ${specs.table} to-br-s; add rule inet ${specs.table} to-br-s jump to-br-a`)
      const results = await fw.apply([remove(specs.a), ensure(specs.b)])
      expect(changed(results)).toEqual(['retry EBUSY', true])
      expect(results[0]).toMatchObject({
        failure: { message: expect.stringContaining('delete-chain to-br-a') as string },
      })
    }))

  it('fail when what they need fails', () =>
    within(async (lab, specs, fw) => {
      await fw.apply([ensure(specs.firewall)])
      lab.nft(`table inet ${specs.table} { chain foo { }; chain to-br-s { jump foo; }; }`)
      const steps = [ensure(specs.firewall), ensure(specs.a)]
      expect(changed(await fw.apply(steps))).toEqual(['retry EBUSY', 'need EBUSY'])
      const { strays } = await fw.observe([specs.firewall, specs.a], true)
      const all = [...strays.map(({ spec }) => remove(spec)), ...steps]
      expect(changed(await fw.apply(all))).toEqual([true, true, true])
    }))

  it('run when somebody else commits all the time', () =>
    within(async (lab, specs, fw) => {
      await fw.apply([ensure(specs.firewall)])
      for (let i = 0; i < 5; i++) {
        lab.nft(`add table ip stranger${i}`)
        expect(changed(await fw.apply([ensure(specs.network(`br-${i}`, ['10.9.0.0/24']))]))).toEqual([true])
      }
    }))

  it('are split where the socket takes less', () =>
    within(async (lab, specs, fw, origin) => {
      const small = await openFirewall({
        openSocket: async (options) => {
          const socket = await lab.openSocket(options)
          libc().setsockopt(socket.fd, 1, 7, Buffer.of(0, 0x20, 0, 0), 4)
          return socket
        },
        origin,
      })
      const networks = Array.from({ length: 60 }, (_, i) => specs.network(`br-${i}`, ['10.9.0.0/24']))
      const results = await small.apply([specs.firewall, ...networks].map(ensure))
      expect(results.every((result) => result.ok && result.changed)).toBe(true)
      expect((await small.observe([specs.firewall, ...networks], true)).found.size).toBe(61)
      small.close()
    }))

  it('say what to load where there is no nftables', () =>
    within(async (lab, specs, fw, origin) => {
      const closed = await openFirewall({
        openSocket: () => Promise.reject(new NetlinkError('socket', 93)),
        origin,
      })
      const [result] = await closed.apply([ensure(specs.firewall)])
      expect(result).toMatchObject({ failure: { class: 'fatal', code: 'EOPNOTSUPP' }, ok: false })
      expect(JSON.stringify(result)).toContain('modprobe -a nf_tables')
      // A socket of another protocol answers as a kernel without nf_tables does: no such request.
      const deaf = await openFirewall({
        openSocket: () => Promise.resolve(NetlinkSocket.open(NETLINK_ROUTE)),
        origin,
      })
      expect(changed(await deaf.apply([ensure(specs.firewall), remove(specs.a)]))).toEqual([
        'fatal EOPNOTSUPP',
        false,
      ])
      expect((await deaf.observe([specs.firewall], true)).found.size).toBe(0)
    }))

  it('lead from any state to any other', () =>
    within(async (lab, specs, fw, origin) => {
      const some = fc.array(
        fc.record({
          bridge: fc.constantFrom('br-a', 'br-b', 'br:c', 'a-name-as-long-'),
          internal: fc.boolean(),
          masquerade: fc.boolean(),
          subnets: fc.subarray(['10.1.0.0/24', '10.0.0.0/9', 'fd00::/64', '::/0']),
        }),
      )
      await fw.apply([ensure(specs.firewall)])
      await fc.assert(
        fc.asyncProperty(some, fc.boolean(), async (wanted, byOther) => {
          const networks = new Map(
            wanted.map(({ bridge, subnets, ...more }) => [bridge, specs.network(bridge, subnets, more)]),
          )
          const all = [specs.firewall, ...networks.values()]
          const { strays } = await fw.observe(all, true)
          if (byOther) lab.nft(`add table ip x; delete table ip x`)
          const results = await fw.apply([...strays.map(({ spec }) => remove(spec)), ...all.map(ensure)])
          expect(results.every(({ ok }) => ok)).toBe(true)
          const eyes = await openFirewall({ openSocket: lab.openSocket, origin })
          const seen = await eyes.observe(all, true)
          eyes.close()
          expect(seen.strays).toEqual([])
          expect([...seen.found.values()].map(({ spec }) => spec)).toEqual(all)
        }),
        { numRuns: 60 },
      )
    }))
})
