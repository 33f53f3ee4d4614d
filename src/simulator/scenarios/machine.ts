/** Machines that stop, start, fill up and refuse: restarts, reboots, disks, half-done steps, clocks. */
import { ask, asks, done, running } from '../insist.ts'
import { attachOutside } from '../../kernel/simulated/humans.ts'
import { commitsOf, countOf, endpoints, must, mustReach, rest, scenario } from './scenario.ts'
import type { World } from '../world.ts'

const { connect, deleteNetwork, network, sandbox } = asks

async function twoOnWeb(world: World): Promise<void> {
  await done(world, network('web', { bridge: 'br0' }), sandbox('a'), sandbox('b'))
  await done(world, connect('web', 'a'), connect('web', 'b'))
}

export const machineScenarios = [
  scenario(
    'restart-unchanged',
    'A restart of the daemon rewrote every rule of hundreds of containers, and dropped their traffic (moby#34660).',
    async (world) => {
      const host = world.host(0)
      await twoOnWeb(world)
      await rest(world)
      const before = host.kernel.world.steps
      host.crash()
      await rest(world)
      must(host.kernel.world.steps === before, 'nothing is written where nothing changed')
      await mustReach(world, 'a', 'b')
    },
  ),
  scenario(
    'restart-damaged',
    'After a restart that found the kernel damaged, all was torn down and built again, also what was well (moby#38160).',
    async (world) => {
      const host = world.host(0)
      await twoOnWeb(world)
      await done(world, network('other', { bridge: 'br1' }))
      await rest(world)
      const indexOf = (name: string): number | undefined => host.kernel.world.host.named.get(name)?.ifindex
      const before = [indexOf('br0'), indexOf('br1')]
      host.crash()
      host.person.flushFirewall()
      host.person.deleteLink('br1')
      await rest(world)
      must(indexOf('br0') === before[0], 'the bridge that was well is the same one')
      must(indexOf('br1') !== undefined && indexOf('br1') !== before[1], 'the other is there again')
      await mustReach(world, 'a', 'b')
    },
  ),
  scenario(
    'reboot',
    'After a power cut networks were gone, for the store did not open any more (moby#43072).',
    async (world) => {
      await twoOnWeb(world)
      world.host(0).reboot('torn')
      await rest(world)
      must((await endpoints(world)).length === 2, 'all is remembered')
      await mustReach(world, 'a', 'b')
    },
  ),
  scenario(
    'power-cut-in-mid-write',
    'A power cut tore the last write, and the daemon refused to start until the file was removed (moby#46689).',
    async (world) => {
      const host = world.host(0)
      await done(world, network('web'), sandbox('a'))
      const id = world.ports.ids.commandId()
      const command = connect('web', 'a')
      await running(world)
      world.clients.ask(host, { command, id })
      await world.advance(1)
      host.reboot('torn')
      await running(world)
      await ask(world, command)
      must((await endpoints(world)).length === 1, 'it is there once, whichever asking did it')
      await mustReach(world, 'host', 'a')
    },
  ),
  scenario(
    'damaged-log',
    'A damaged store kept the daemon from starting; the remedy was to delete it, and with it all networks (moby#34840).',
    async (world) => {
      const host = world.host(0)
      await twoOnWeb(world)
      host.crash()
      // The newest commit: the start reads it in any case.
      host.disk.garble(host.disk.head)
      const steps = host.kernel.world.steps
      const { blocked } = await running(world)
      if (blocked !== undefined) {
        must(
          (blocked as { readonly code?: string }).code === 'ERR_LOG_DAMAGED',
          `it says what is wrong: ${blocked.message}`,
        )
        must(host.kernel.world.steps === steps, 'what runs is left as it is')
      }
      host.crash()
      host.disk.heal()
      await running(world)
      await mustReach(world, 'a', 'b')
    },
  ),
  scenario(
    'disk-full',
    'What was half attached was in the kernel and in no book, or the other way round (moby#17217); here the disk is full.',
    async (world) => {
      const { disk } = world.host(0)
      await done(world, network('web'), sandbox('a'))
      await running(world)
      disk.fill(2000)
      let [outcome] = await ask(world, connect('web', 'a'))
      for (let i = 0; i < 10 && outcome?.code === 'ERR_STORE_UNWRITABLE'; i++) {
        await world.advance(1000)
        ;[outcome] = await ask(world, connect('web', 'a'))
      }
      must(outcome?.code === 'done', `it is done when there is room again, not ${outcome?.code}`)
      must((await endpoints(world)).length === 1, 'it is there once')
      await mustReach(world, 'host', 'a')
    },
  ),
  scenario(
    'written-and-not-told',
    'A write failed and had landed all the same; the retry made a second network (docker/compose#9585).',
    async (world) => {
      await running(world)
      world.host(0).disk.failNextWrite('landed')
      await ask(world, network('web'))
      await ask(world, network('web'))
      must((await running(world)).queries.networks().length === 1, 'there is one')
      must(countOf(world, 'NetworkCreateRequested') === 1, 'and there never was another')
    },
  ),
  scenario(
    'half-made-veth',
    'A veth was made and could not be moved; both ends stayed in the host for ever (docker/libnetwork#846).',
    async (world) => {
      const { kernel } = world.host(0)
      await done(world, network('web'), sandbox('a'))
      kernel.refuse({ errno: 'EBUSY', kind: 'veth', op: 'ensure', when: 'within' })
      const [outcome] = await ask(world, connect('web', 'a'))
      await rest(world)
      const veths = (): number => kernel.links().filter(({ kind }) => kind === 'veth').length
      must(veths() === (outcome?.code === 'done' ? 1 : 0), `${outcome?.code}, and there are ${veths()} veths`)
      if (outcome?.code !== 'done') await done(world, connect('web', 'a'))
      await mustReach(world, 'host', 'a')
    },
  ),
  scenario(
    'done-and-not-told',
    'The kernel did what was asked and said that it failed; from then on the rule was there twice (moby#30558).',
    async (world) => {
      const { kernel } = world.host(0)
      for (const kind of ['bridge', 'firewall-network', 'netns'] as const)
        kernel.refuse({ errno: 'EBUSY', kind, op: 'ensure', when: 'after' })
      const first = await ask(world, network('web'), sandbox('a'))
      if (first[0]?.code !== 'done') {
        await ask(world, deleteNetwork('web'))
        await done(world, network('web'))
      }
      if (first[1]?.code !== 'done') {
        await ask(world, asks.deleteSandbox('a'))
        await done(world, sandbox('a'))
      }
      await done(world, connect('web', 'a'))
      await mustReach(world, 'host', 'a')
    },
  ),
  scenario(
    'stuck-removal',
    'An interface could not be removed for a while, and everything behind it waited, or forgot it (moby#5618).',
    async (world) => {
      const { kernel } = world.host(0)
      await twoOnWeb(world)
      kernel.refuse({ errno: 'EBUSY', kind: 'veth', op: 'remove', times: 2 })
      kernel.refuse({ errno: 'EBUSY', kind: 'netns', op: 'remove', times: 2 })
      await done(world, asks.deleteSandbox('a'))
      await done(world, asks.disconnect('web', 'b'))
      await rest(world, 60_000)
      must(kernel.links().filter(({ kind }) => kind === 'veth').length === 0, 'in the end no veth is left')
    },
  ),
  scenario(
    'clock-steps-back',
    'Clocks are set back by people and by NTP; whoever orders records by wall time takes an old one for the newest.',
    async (world) => {
      await done(world, network('web'))
      world.host(0).jumpClock(-3_600_000)
      await done(world, sandbox('a'))
      await done(world, connect('web', 'a'))
      const times = commitsOf(world).map(({ at }) => at)
      must(
        times.every((at, i) => i === 0 || at >= (times[i - 1] ?? at)),
        'times in the log never go back',
      )
      await mustReach(world, 'host', 'a')
    },
  ),
  scenario(
    'internal-and-outside',
    'From an internal network one got out all the same, by the resolver (CVE-2024-29018); here the routes are tried.',
    async (world) => {
      const host = world.host(0)
      attachOutside(host.kernel.world, { address: '203.0.113.1/24', hostAddress: '203.0.113.2/24' })
      await done(world, network('web'), network('vault', { internal: true }), sandbox('a'), sandbox('b'))
      await done(world, connect('web', 'a'), connect('vault', 'b'))
      must(world.canReach('a', '203.0.113.1', 'tcp/443'), 'who may get out does')
      must(!world.canReach('b', '203.0.113.1', 'tcp/443'), 'who may not does not')
      must(!world.canReach('a', 'b') && !world.canReach('b', 'a'), 'networks are apart')
      host.crash()
      await rest(world)
      must(world.canReach('a', '203.0.113.1', 'tcp/443'), 'and all the same after a restart')
    },
  ),
]
