/** Attaching and detaching: the everyday life of a container, and what was left behind of it. */
import { ask, asks, done, running } from '../insist.ts'
import { addresses, endpoints, must, mustReach, rest, scenario } from './scenario.ts'

const { connect, deleteEndpoint, deleteNetwork, deleteSandbox, disconnect, endpoint, join, leave } = asks
const { network, sandbox } = asks

export const attachScenarios = [
  scenario(
    'attach',
    'An attachment that was cut off held its name and address for ever, and the container never started again (moby#17217).',
    async (world) => {
      await done(world, network('web'), sandbox('a'), sandbox('b'))
      await done(world, connect('web', 'a'), connect('web', 'b'))
      await mustReach(world, 'a', 'b')
      await mustReach(world, 'host', 'a')
    },
  ),
  scenario(
    'detach',
    'After a crash in mid-detach a network could not be removed, for it had an endpoint that nobody could name (moby#43286).',
    async (world) => {
      await done(world, network('web'), sandbox('a'))
      await done(world, connect('web', 'a'))
      await done(world, disconnect('web', 'a'))
      must((await endpoints(world)).length === 0, 'nothing is left of the endpoint')
      await done(world, deleteNetwork('web'))
    },
  ),
  scenario(
    'attach-by-steps',
    'Reserved, joined, left and deleted one by one, an endpoint lost its address on the way, as a static one must not (moby#49781).',
    async (world) => {
      await done(world, network('web', { subnets: [{ subnet: '10.9.0.0/28' }] }), sandbox('a'))
      await done(world, endpoint('web', 'e', { address: '10.9.0.7' }))
      await done(world, join('e', 'a', { ifName: 'net0' }))
      await done(world, leave('e'))
      must((await addresses(world))['e'] === '10.9.0.7/28', 'it keeps its address when it leaves')
      await done(world, join('e', 'a'))
      await mustReach(world, 'host', 'a')
      await done(world, deleteEndpoint('e', { force: true }))
      must((await endpoints(world)).length === 0, 'it is gone when it is deleted by force')
    },
  ),
  scenario(
    'deploy-cycles',
    'After thousands of deployments the address pool was full of leases that nobody had (moby/swarmkit#3230).',
    async (world) => {
      await done(world, network('web', { subnets: [{ subnet: '10.9.0.0/29' }] }))
      for (const cycle of [1, 2, 3]) {
        await done(world, sandbox('a'), sandbox('b'))
        await done(world, connect('web', 'a'), connect('web', 'b'))
        must((await endpoints(world)).length === 2, `two live in cycle ${cycle}`)
        await done(world, deleteSandbox('a'), deleteSandbox('b'))
      }
      await rest(world)
      const { addresses: held } = (await running(world)).engine.view.projections.allocations
      const owned = [...held.entries()].filter(([, { holder }]) => holder.startsWith('endpoint/'))
      must(owned.length === 0, 'no address is held for anybody')
    },
  ),
  scenario(
    'parallel-churn',
    'Containers that came and went at the same time left veths without an owner on the bridge (docker/libnetwork#984).',
    async (world) => {
      const names = ['a', 'b', 'c']
      await done(world, network('web'), ...names.map(sandbox))
      await done(world, ...names.map((name) => connect('web', name)))
      // What is asked while something else is under way is either done or says why not; nothing hangs.
      await ask(
        world,
        disconnect('web', 'a'),
        connect('web', 'a'),
        deleteSandbox('b'),
        disconnect('web', 'c'),
      )
      await rest(world)
      const left = world
        .host(0)
        .kernel.links()
        .filter(({ kind }) => kind === 'veth')
      const joined = (await endpoints(world)).filter(({ state }) => state === 'joined')
      must(
        left.length === joined.length,
        `as many veths as endpoints, not ${left.length} for ${joined.length}`,
      )
    },
  ),
  scenario(
    'two-networks-one-sandbox',
    'A container on two networks lost its way out when the one with the default route was detached (moby#20179).',
    async (world) => {
      await done(world, network('front'), network('back'), sandbox('a'))
      await done(world, connect('front', 'a', { priority: 1 }), connect('back', 'a'))
      const viaOf = async (): Promise<string | undefined> => {
        const { queries } = await running(world)
        const { gateway } = queries.sandbox('a')
        return gateway && queries.network(queries.endpoint(gateway).network).name
      }
      must((await viaOf()) === 'front', 'the default route goes by the network with the priority')
      await done(world, disconnect('front', 'a'))
      must((await viaOf()) === 'back', 'the other one takes over')
      await done(world, connect('front', 'a', { priority: 1 }))
      must((await viaOf()) === 'front', 'and gives back')
      await mustReach(world, 'host', 'a')
    },
  ),
  scenario(
    'shared-namespace',
    'When the owner of a shared namespace was restarted, the members kept a namespace that led nowhere (moby#50326).',
    async (world) => {
      const host = world.host(0)
      await done(world, network('web'), sandbox('pod'), sandbox('peer'))
      await done(world, connect('web', 'pod'), connect('web', 'peer'))
      const id = (await running(world)).queries.sandbox('pod').id
      const cookie = (): string | undefined => host.kernel.world.mounts.get(host.netnsPath(id))?.cookie
      const before = cookie()
      host.crash()
      await running(world)
      must(before !== undefined && cookie() === before, 'the namespace is the same one')
      await done(world, disconnect('web', 'pod'))
      await done(world, connect('web', 'pod'))
      must(cookie() === before, 'and stays it when its endpoint is replaced')
      await mustReach(world, 'pod', 'peer')
    },
  ),
]
