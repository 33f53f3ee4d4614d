/** Names, addresses and pools: who gets what when several want it, and what is said to the others. */
import { ask, asks, done, running } from '../insist.ts'
import { addresses, countOf, endpoints, must, mustReach, rest, scenario } from './scenario.ts'

const { connect, deleteEndpoint, deleteNetwork, disconnect, endpoint, network, sandbox } = asks

const SMALL = { subnets: [{ subnet: '10.9.0.0/29' }] }

export const nameScenarios = [
  scenario(
    'two-creates-one-name',
    'Two creations at the same time made two networks of one name, and nobody could remove either (moby#20648).',
    async (world) => {
      const outcomes = await ask(world, network('web'), network('web'), network('web'))
      const codes = outcomes.map(({ code }) => code).sort()
      must(
        codes.join(' ') === 'ERR_EXISTS ERR_EXISTS done',
        `one is made and two are told, not ${codes.join(' ')}`,
      )
      must(countOf(world, 'NetworkCreateRequested') === 1, 'one network is made')
    },
  ),
  scenario(
    'two-want-one-address',
    'Two containers that asked for one address both got it (moby#41576).',
    async (world) => {
      await done(world, network('web', SMALL), sandbox('a'), sandbox('b'))
      const wanted = { address: '10.9.0.5' }
      const outcomes = await ask(world, connect('web', 'a', wanted), connect('web', 'b', wanted))
      const codes = outcomes.map(({ code }) => code).sort()
      must(codes.join(' ') === 'ERR_ADDRESS_TAKEN done', `one has it and one is told, not ${codes.join(' ')}`)
    },
  ),
  scenario(
    'static-and-dynamic',
    'After a boot containers started in any order, and one without a wish took the address of one that had it (moby#49781).',
    async (world) => {
      await done(world, network('web', SMALL), sandbox('a'), sandbox('b'))
      await done(world, endpoint('web', 'fixed', { address: '10.9.0.2' }))
      await done(world, endpoint('web', 'any'))
      const before = await addresses(world)
      world.host(0).reboot()
      await running(world)
      const order = [asks.join('any', 'a'), asks.join('fixed', 'b')]
      await done(world, ...(world.ports.chance.oneIn(2) ? order : order.reverse()))
      must(
        JSON.stringify(await addresses(world)) === JSON.stringify(before),
        'everybody has the address from before the boot',
      )
      must(new Set(Object.values(before)).size === 2, 'they differ')
    },
  ),
  scenario(
    'exhausted',
    'On a full network the next container failed with the words of the kernel, and its half-made parts stayed (moby#44973).',
    async (world) => {
      await done(world, network('web', SMALL), sandbox('a'))
      const names = ['1', '2', '3', '4', '5']
      await done(world, ...names.map((name) => endpoint('web', name)))
      const [full] = await ask(world, connect('web', 'a'))
      must(full?.code === 'ERR_ADDRESS_EXHAUSTED', `it is told that the pool is empty, not ${full?.code}`)
      await done(world, deleteEndpoint('3'))
      await done(world, connect('web', 'a'))
      must((await endpoints(world)).length === 5, 'the one that was freed is taken again')
    },
  ),
  scenario(
    'address-comes-back',
    'A new container got the address of one whose interface was still there, and two answered for it (moby#18535, moby#29610).',
    async (world) => {
      const host = world.host(0)
      host.kernel.delayNamespaceDeath(4000)
      await done(world, network('web', { subnets: [{ subnet: '10.9.0.0/30' }] }), sandbox('a'), sandbox('b'))
      await done(world, connect('web', 'a'))
      await done(world, asks.deleteSandbox('a'))
      // There is but one address: whoever waits for it gets it when the link it lay on is gone.
      await done(world, connect('web', 'b'))
      await mustReach(world, 'host', 'b')
      host.kernel.delayNamespaceDeath(0)
    },
  ),
  scenario(
    'in-use',
    'A prune removed networks of containers that were merely stopped, and they never started again (docker/for-mac#7703).',
    async (world) => {
      await done(world, network('web'), sandbox('a'))
      await done(world, endpoint('web', 'stopped'))
      const [refused] = await ask(world, deleteNetwork('web'))
      must(refused?.code === 'ERR_IN_USE', `the network is in use, not ${refused?.code}`)
      await done(world, connect('web', 'a'))
      await done(world, deleteEndpoint('stopped'), disconnect('web', 'a'))
      await done(world, deleteNetwork('web'))
      must((await running(world)).queries.networks().length === 0, 'it goes when nobody has a part in it')
    },
  ),
  scenario(
    'host-route-overlaps',
    'A network took the range of a VPN, and the machine lost what was behind it (docker/for-mac#2820).',
    async (world) => {
      const { person } = world.host(0)
      person.addForeignLink({ kind: 'dummy', name: 'vpn0' })
      person.upLink('vpn0')
      person.addAddress('vpn0', '10.20.0.1/16')
      const wanted = { subnets: [{ subnet: '10.20.3.0/24' }] }
      const [refused] = await ask(world, network('web', wanted))
      must(refused?.code === 'ERR_OVERLAP_HOST', `it is told of the route, not ${refused?.code}`)
      person.deleteLink('vpn0')
      await done(world, network('web', wanted))
    },
  ),
  scenario(
    'pools-change',
    'When the list of default pools was changed, networks that were there did not come back after a restart (moby, DaemonRestartWithExistingNetwork).',
    async (world) => {
      const host = world.host(0)
      await done(world, network('old'))
      const subnet = (await running(world)).queries.network('old').subnets[0]?.subnet
      host.crash()
      // The pools from which the next one would be taken are not free any more.
      host.person.addForeignLink({ kind: 'dummy', name: 'vpn0' })
      host.person.upLink('vpn0')
      host.person.addAddress('vpn0', '172.18.0.1/15')
      await done(world, network('new'))
      const { queries } = await running(world)
      must(queries.network('old').subnets[0]?.subnet === subnet, 'the old one keeps its subnet')
      must(
        !/^172\.(18|19)\./.test(queries.network('new').subnets[0]?.subnet ?? '172.18.'),
        'the new one goes elsewhere',
      )
    },
  ),
  scenario(
    'asked-twice',
    'A client that timed out asked again, and there were two of everything (docker/compose#4890).',
    async (world) => {
      await done(world, network('web'), sandbox('a'))
      const id = world.ports.ids.commandId()
      const ways = [1, 2, 3].map(() => ({ command: connect('web', 'a'), id }))
      const host = world.host(0)
      await running(world)
      for (const way of ways) world.clients.ask(host, way)
      await world.until(() => world.clients.asked.get(id)?.open === 0)
      while (world.clients.asked.get(id)?.isUnknown !== false) {
        await running(world)
        world.clients.ask(host, { command: connect('web', 'a'), id })
        await world.until(() => world.clients.asked.get(id)?.open === 0)
      }
      must((await endpoints(world)).length === 1, 'it is there once')
      must(countOf(world, 'EndpointReserved') === 1, 'and was made once')
      await rest(world)
    },
  ),
]
