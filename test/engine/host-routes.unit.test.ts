/** What the host reaches already, and what a new network may take beside it. */
import { describe, expect, it } from 'vitest'
import type { AnyFact, Commit, RefusedError } from '../../events/index.ts'
import { attachOutside } from '../../src/kernel/simulated/humans.ts'
import { Lab } from './lab.ts'

/** A host with a company's network behind a tunnel, and two addresses of its own. */
async function hostWithTunnel() {
  const lab = new Lab()
  const { root } = lab
  for (const [name, address] of [
    ['tun0', '10.8.0.2/24'],
    ['eth0', '172.17.3.4/20'],
  ] as const) {
    root.addForeignLink({ kind: 'dummy', name })
    root.upLink(name)
    root.addAddress(name, address)
  }
  root.addForeignRoute('10.64.0.0/10', 'tun0', '10.8.0.1')
  root.addForeignRoute('172.18.0.0/15', 'tun0', '10.8.0.1')
  return { controller: await lab.open(), lab }
}

type Host = Awaited<ReturnType<typeof hostWithTunnel>>

const subnetsOf = ({ controller }: Host, name: string): readonly string[] =>
  controller.queries.network(name).subnets.map(({ subnet }) => subnet)

const refusal = (lab: Lab, work: Promise<unknown>): Promise<RefusedError> =>
  lab.do(
    work.then(
      () => Promise.reject(new Error('it was not refused')),
      (error: unknown) => error as RefusedError,
    ),
  )

async function lastCommit({ controller, lab }: Host): Promise<Commit<AnyFact>> {
  const read = async () => {
    let last: Commit<AnyFact> | undefined
    for await (const commit of controller.commits())
      if (commit.command.type === 'network.create') last = commit
    return last as Commit<AnyFact>
  }
  return lab.do(read())
}

describe('a network without subnets', () => {
  it('takes the first default pool that hides no route and no address of the host', async () => {
    const host = await hostWithTunnel()
    await host.lab.do(host.controller.newNetwork('bridge', 'web'))
    expect(subnetsOf(host, 'web')).toEqual(['172.20.0.0/16'])
  })

  it('records in its command what was read, and only what mattered', async () => {
    const host = await hostWithTunnel()
    await host.lab.do(host.controller.newNetwork('bridge', 'web'))
    expect((await lastCommit(host)).command.data).toMatchObject({
      hostRoutes: [
        { dst: '172.17.0.0/20', link: 'eth0' },
        { dst: '172.18.0.0/15', link: 'tun0' },
      ],
    })
  })

  it('looks anew each time', async () => {
    const host = await hostWithTunnel()
    const { controller, lab } = host
    await lab.do(controller.newNetwork('bridge', 'one'))
    lab.root.deleteRoute('172.18.0.0/15')
    lab.root.addForeignRoute('172.21.0.0/16', 'tun0', '10.8.0.1')
    await lab.do(controller.newNetwork('bridge', 'two'))
    await lab.do(controller.newNetwork('bridge', 'three'))
    await lab.do(controller.newNetwork('bridge', 'four'))
    const names = ['one', 'two', 'three', 'four']
    const pools = names.map((name) => subnetsOf(host, name)[0])
    expect(pools).toEqual(['172.20.0.0/16', '172.18.0.0/16', '172.19.0.0/16', '172.22.0.0/16'])
  })

  it('minds neither the default route, nor its two halves, nor its own bridges', async () => {
    const lab = new Lab()
    attachOutside(lab.world, { address: '192.0.2.1/24', hostAddress: '192.0.2.2/24' })
    lab.root.addForeignRoute('0.0.0.0/1', 'uplink0', '192.0.2.1')
    lab.root.addForeignRoute('128.0.0.0/1', 'uplink0', '192.0.2.1')
    const controller = await lab.open()
    await lab.do(controller.newNetwork('bridge', 'web'))
    await lab.do(controller.newNetwork('bridge', 'db'))
    const host = { controller, lab }
    expect([...subnetsOf(host, 'web'), ...subnetsOf(host, 'db')]).toEqual(['172.17.0.0/16', '172.18.0.0/16'])
    expect((await lastCommit(host)).command.data).not.toHaveProperty('hostRoutes')
  })
})

describe("a subnet of the user's own", () => {
  it('is refused where it hides a route or an address of the host, each named with its link', async () => {
    const { controller, lab } = await hostWithTunnel()
    for (const [subnet, hidden] of [
      ['10.65.0.0/24', '10.64.0.0/10, which this host reaches by tun0'],
      ['10.0.0.0/8', '10.64.0.0/10, which this host reaches by tun0'],
      ['172.17.15.0/24', '172.17.0.0/20, which this host reaches by eth0'],
    ] as const) {
      const error = await refusal(lab, controller.newNetwork('bridge', 'web', { ipam: { subnet } }))
      expect(error.problems.map(({ code, field }) => [code, field])).toEqual([
        ['ERR_OVERLAP_HOST', 'subnets'],
      ])
      expect(error.message).toContain(hidden)
    }
    expect(controller.queries.networks()).toEqual([])
  })

  it('is taken where the user says that it is meant', async () => {
    const host = await hostWithTunnel()
    const { controller, lab } = host
    const options = { allowOverlap: true, ipam: { subnet: '10.65.0.0/24' } }
    await lab.do(controller.newNetwork('bridge', 'web', options))
    expect(subnetsOf(host, 'web')).toEqual(['10.65.0.0/24'])
  })

  it('is taken where nothing is hidden', async () => {
    const host = await hostWithTunnel()
    await host.lab.do(host.controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' } }))
    expect(subnetsOf(host, 'web')).toEqual(['10.9.0.0/24'])
  })
})

describe('a command with what was read for it', () => {
  it('is the same command when it comes again, though the host has changed', async () => {
    const host = await hostWithTunnel()
    const { controller, lab } = host
    const id = '0190d6e4-0000-7000-8000-000000000009' as never
    await lab.do(controller.newNetwork('bridge', 'web', {}, { id }))
    lab.root.addForeignRoute('172.20.64.0/18', 'tun0', '10.8.0.1')
    const again = await lab.do(controller.newNetwork('bridge', 'web', {}, { id }))
    expect(again.name).toBe('web')
    expect(subnetsOf(host, 'web')).toEqual(['172.20.0.0/16'])
  })

  it('cannot be given by a client', async () => {
    const { controller, lab } = await hostWithTunnel()
    const data = { driver: 'bridge', hostRoutes: [], name: 'web' }
    const error = await refusal(lab, controller.dispatch({ data, type: 'network.create' }))
    expect(error.problems.map(({ field }) => field)).toEqual(['hostRoutes'])
  })

  it('comes in the order of its asking', async () => {
    const { controller, lab } = await hostWithTunnel()
    const made = controller.newNetwork('bridge', 'web')
    const box = controller.newSandbox('a')
    const joined = controller.connect('web', 'a')
    const outcomes = await lab.all<unknown>([made, box, joined])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
  })
})
