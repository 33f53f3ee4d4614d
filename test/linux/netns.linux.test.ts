/** Namespaces and the thread that alone enters them: where everybody stands, what is left open, what a crash leaves. */
import { readdirSync, readlinkSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type IfName, keyOf } from '../../events/index.ts'
import { NetnsWorker } from '../../src/kernel/linux/netns.ts'
import { bridge, ensure, netns, remove, sandboxId, veth } from '../contracts/universe.ts'
import { LinuxMachine } from './machine.ts'

const OWN = '/proc/thread-self/ns/net'
const descriptors = (): number => readdirSync('/proc/self/fd').length
/** The namespace of every thread of this process: one, unless somebody is away. */
const namespaces = (): ReadonlySet<string> =>
  new Set(readdirSync('/proc/self/task').map((task) => readlinkSync(`/proc/self/task/${task}/ns/net`)))

describe('namespaces', () => {
  let machine: LinuxMachine
  beforeEach(async () => {
    machine = await LinuxMachine.make()
  })
  afterEach(() => machine.tearDown())

  it('are made without the main thread leaving its own', async () => {
    const before = readlinkSync(OWN)
    await machine.kernel.apply([ensure(netns(1)), ensure(netns(2))])
    expect(readlinkSync(OWN)).toBe(before)
    // The worker's home is the namespace taken as the host; nobody is in a sandbox.
    expect(namespaces().size).toBe(2)
  })

  it('have IPv6 off from birth, and on where an interface comes that speaks it, and on that one alone', async () => {
    const off = async (name: string): Promise<string> =>
      (await machine.in(sandboxId(1), `sysctl -n net.ipv6.conf.${name}.disable_ipv6`)).trim()
    const plug = (network: number, ipv6: boolean) =>
      machine.kernel.apply(
        [bridge(network), veth({ ipv6, n: network, network, sandbox: 1 })].map((spec) => ensure(spec)),
      )
    await machine.kernel.apply([ensure(netns(1))])
    await plug(1, false)
    expect([await off('lo'), await off('eth1')]).toEqual(['1', '1'])
    await plug(2, true)
    await plug(3, false)
    await plug(4, true)
    const all = ['lo', 'eth1', 'eth2', 'eth3', 'eth4'].map(off)
    expect(await Promise.all(all)).toEqual(['0', '1', '0', '1', '0'])
    expect(await machine.in(sandboxId(1), 'sysctl -n net.ipv6.conf.eth2.accept_ra')).toBe('0\n')
  })

  it('have IPv6 on each interface as asked when many come at once', async () => {
    await machine.kernel.apply([ensure(netns(1)), ensure(bridge(1))])
    const all = [1, 2, 3, 4, 5, 6].map((n) => ({ ipv6: n % 3 === 0, n, network: 1, sandbox: 1 }))
    const specs = all.map((each) => {
      const spec = veth(each)
      return { ...spec, peer: { ...spec.peer, name: `eth${each.n}` as IfName } }
    })
    const results = await Promise.all(specs.map((spec) => machine.kernel.apply([ensure(spec)])))
    expect(results.flat().filter(({ ok }) => !ok)).toEqual([])
    const { found } = await machine.kernel.observe(specs)
    expect(specs.map((spec) => found.get(keyOf(spec))?.spec)).toEqual(specs)
  })

  it('are told apart by cookie, and made anew when somebody took them away', async () => {
    const spec = netns(1)
    const [born] = await machine.kernel.apply([ensure(spec)])
    await machine.in('host', `umount --lazy ${machine.pathOf(sandboxId(1))}`)
    expect((await machine.kernel.observe([spec])).found.has(keyOf(spec))).toBe(false)
    const [again] = await machine.kernel.apply([ensure(spec)])
    expect(again).toMatchObject({ changed: true, ok: true })
    expect(again?.ok && again.seen?.netnsCookie).not.toBe(born?.ok && born.seen?.netnsCookie)
  })

  it('leave no descriptor open when they are gone', async () => {
    const steps = [netns(1), netns(2), bridge(1), veth({ n: 1, network: 1, sandbox: 1 })]
    const round = async (): Promise<void> => {
      machine.kernel.onHint(() => undefined)
      await machine.kernel.apply(steps.map(ensure))
      await machine.kernel.apply([...steps].reverse().map(remove))
    }
    await round()
    await machine.reopen()
    const before = descriptors()
    for (let i = 0; i < 3; i++) {
      await round()
      await machine.reopen()
    }
    expect(descriptors()).toBe(before)
  })

  it('are still served after the worker ended', async () => {
    const worker = new NetnsWorker(machine.pathOf('host'))
    const first = await worker.call('portId', undefined)
    expect(first).toBeGreaterThan(0)
    await worker.close()
    expect(await worker.call('sysctlGet', { fd: undefined, name: 'net.ipv4.ip_forward' })).toBe('0')
    await worker.close()
  })

  it('refuse with the errno that the kernel gave', async () => {
    const worker = new NetnsWorker(machine.pathOf('host'))
    const call = worker.call('sysctlSet', { fd: undefined, name: 'net.ipv4.no_such_thing', value: '1' })
    await expect(call).rejects.toMatchObject({ code: 'ENOENT' })
    await worker.close()
  })
})
