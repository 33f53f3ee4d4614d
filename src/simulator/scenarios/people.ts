/** People and other programs who change what is ours, and things of theirs that look like ours. */
import { ask, asks, done, running } from '../insist.ts'
import { groupOf, tableName } from '../../reconcile/marks.ts'
import { sha256 } from '../../system/hash.ts'
import type { Origin } from '../../../events/index.ts'
import { countOf, endpoints, must, mustReach, rest, scenario } from './scenario.ts'
import type { World } from '../world.ts'

const { connect, deleteNetwork, disconnect, network, sandbox } = asks

const originOf = (world: World): Origin => world.host(0).origin as Origin

async function twoOnWeb(world: World): Promise<void> {
  await done(world, network('web', { bridge: 'br0' }), sandbox('a'), sandbox('b'))
  await done(world, connect('web', 'a'), connect('web', 'b'))
}

export const peopleScenarios = [
  scenario(
    'flushed-firewall',
    'A restart of the firewall took all rules along, and containers were cut off until the daemon was restarted (moby#12294).',
    async (world) => {
      await twoOnWeb(world)
      world.host(0).person.flushFirewall()
      await rest(world)
      must(countOf(world, 'DriftObserved') > 0, 'the log says that somebody did it')
      const { tables } = world.host(0).kernel.world.host
      must(tables.get(tableName(originOf(world)))?.intact === true, 'the table is there again')
      await mustReach(world, 'a', 'b')
    },
  ),
  scenario(
    'quarrel',
    'A network manager took an address off a bridge whenever it was put back, and both went on for ever (moby#40217).',
    async (world) => {
      const host = world.host(0)
      await twoOnWeb(world)
      for (let i = 0; i < 12; i++) {
        for (const { cidr } of host.kernel.world.host.addresses.filter(({ link }) => link.name === 'br0'))
          host.person.removeAddress('br0', cidr)
        await world.advance(300)
      }
      const before = host.kernel.world.steps
      await rest(world, 1000)
      must(host.kernel.world.steps - before < 20, 'the engine does not fight at full speed')
      await rest(world, 320_000)
      await mustReach(world, 'host', 'a')
    },
  ),
  scenario(
    'name-is-taken',
    'Another program took a name between plan and deed; the failure named nobody and left its parts behind (moby#49501, moby#20486).',
    async (world) => {
      const { person } = world.host(0)
      await running(world)
      person.addForeignLink({ kind: 'dummy', name: 'br0' })
      const [refused] = await ask(world, network('web', { bridge: 'br0' }))
      must(refused?.code !== 'done', 'a network cannot be carried by a link that is not ours')
      if ((await running(world)).queries.networks().length > 0) await done(world, deleteNetwork('web'))
      person.deleteLink('br0')
      await done(world, network('web', { bridge: 'br0' }), sandbox('a'))
      await done(world, connect('web', 'a'))
      await mustReach(world, 'host', 'a')
    },
  ),
  scenario(
    'looks-like-ours',
    'A clean-up removed devices of others that bore the same prefix (docker/libnetwork#1850 the other way round).',
    async (world) => {
      const host = world.host(0)
      await running(world)
      const group = groupOf(sha256, originOf(world))
      host.person.addForeignLink({ group, kind: 'dummy', name: 'cn-theirs' })
      await done(world, network('web'))
      host.crash()
      await done(world, deleteNetwork('web'))
      await rest(world)
      must(
        host.kernel.links().some(({ name, stranger }) => name === 'cn-theirs' && stranger),
        'what others made with our group number is still there',
      )
      host.person.deleteLink('cn-theirs')
    },
  ),
  scenario(
    'renamed-bridge',
    'A link was renamed by hand, and the daemon made a second one beside it that took its addresses (docker/for-linux#109).',
    async (world) => {
      const { kernel, person } = world.host(0)
      await twoOnWeb(world)
      person.renameLink('br0', 'mine0')
      await rest(world, 20_000)
      const bridges = kernel.links().filter(({ kind }) => kind === 'bridge')
      must(
        bridges.map(({ name }) => name).join() === 'br0',
        `there is br0 and no other, not ${bridges.map(({ name }) => name).join()}`,
      )
      await mustReach(world, 'a', 'b')
    },
  ),
  scenario(
    'bridge-deleted',
    'Somebody deleted the bridge, and containers stayed without a network until they were made anew (moby#38160).',
    async (world) => {
      await twoOnWeb(world)
      world.host(0).person.deleteLink('br0')
      await rest(world)
      await mustReach(world, 'a', 'b')
      await done(world, disconnect('web', 'a'))
      must((await endpoints(world)).length === 1, 'one is left')
    },
  ),
  scenario(
    'lost-notifications',
    'Notifications were lost in an overrun, and what changed meanwhile was never noticed (netlink, ENOBUFS).',
    async (world) => {
      const { kernel, person } = world.host(0)
      await twoOnWeb(world)
      const { listeners } = kernel.world
      const ears = [...listeners]
      listeners.clear()
      person.unplug(kernel.links().find(({ kind }) => kind === 'veth')?.name ?? '')
      for (const ear of ears) listeners.add(ear)
      kernel.overrun()
      await rest(world)
      await mustReach(world, 'a', 'b')
    },
  ),
  scenario(
    'ipv6-switched-off',
    'IPv6 was switched off by a script on a link of ours, and only half of the traffic noticed (moby#48365).',
    async (world) => {
      const { person } = world.host(0)
      const subnets = [{ subnet: '10.9.0.0/24' }, { subnet: 'fd00:9::/64' }]
      await done(world, network('web', { bridge: 'br0', subnets }), sandbox('a'), sandbox('b'))
      await done(world, connect('web', 'a'), connect('web', 'b'))
      person.disableIpv6('br0')
      await rest(world)
      const six = (await endpoints(world)).find(({ name }) => name === 'b-web')?.addresses[1]
      must(six?.includes(':') === true, 'b has an address of IPv6')
      must(world.canReach('a', six.slice(0, six.indexOf('/'))), 'a reaches it')
      must(world.canReach('host', six.slice(0, six.indexOf('/'))), 'and so does the host')
    },
  ),
]
