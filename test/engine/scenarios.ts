/** What engines do, in small scenes: a situation, and what is under way in it. For kills and faults at every moment of them. */
import type { CrashRun, Scenario } from './crash-lab.ts'

/** The second has both families. */
const network = (run: CrashRun, name: string, nth: number, more: object = {}): Promise<void> =>
  run.ask('network.create', {
    driver: 'bridge',
    ipv6: nth === 2,
    name,
    subnets: [{ subnet: `10.9.${nth}.0/24` }],
    ...more,
  })
const sandbox = (run: CrashRun, name: string): Promise<void> => run.ask('sandbox.create', { name })
const connect = (run: CrashRun, net: string, box: string): Promise<void> =>
  run.ask('connect', { network: net, sandbox: box })
const disconnect = (run: CrashRun, net: string, box: string): Promise<void> =>
  run.ask('disconnect', { network: net, sandbox: box })

async function ground(run: CrashRun): Promise<void> {
  await network(run, 'web', 1)
  await sandbox(run, 'a')
}
async function connected(run: CrashRun): Promise<void> {
  await ground(run)
  await connect(run, 'web', 'a')
}
async function onTwo(run: CrashRun): Promise<void> {
  await connected(run)
  await network(run, 'db', 2)
  await connect(run, 'db', 'a')
}
async function joined(run: CrashRun): Promise<void> {
  await ground(run)
  await run.ask('endpoint.create', { name: 'e', network: 'web' })
  await run.ask('endpoint.join', { endpoint: 'e', sandbox: 'a' })
}

/** The kernel refuses one kind of step, so often. */
const refusing = (run: CrashRun, op: string, kind: string, times = 1): void =>
  void run.lab.world.faults.push({
    errno: 'EBUSY',
    match: (step) => step.op === op && step.spec.kind === kind,
    times,
    when: 'before',
  })

export const SCENARIOS: readonly Scenario[] = [
  { act: (run) => network(run, 'web', 1), name: 'the first network' },
  { act: (run) => network(run, 'db', 2, { internal: true }), name: 'an internal network', prepare: ground },
  {
    act: (run) =>
      run.ask('network.create', {
        driver: 'bridge',
        name: 'inside',
        internal: true,
        subnets: [{ subnet: '10.9.3.0/24' }],
      }),
    name: 'an internal network',
  },
  { act: (run) => sandbox(run, 'a'), name: 'a sandbox' },
  {
    act: (run) => run.ask('endpoint.create', { name: 'e', network: 'web' }),
    name: 'a reservation',
    prepare: ground,
  },
  {
    act: (run) => run.ask('endpoint.join', { endpoint: 'e', sandbox: 'a' }),
    name: 'a join',
    prepare: async (run) => {
      await ground(run)
      await run.ask('endpoint.create', { name: 'e', network: 'web' })
    },
  },
  { act: (run) => connect(run, 'web', 'a'), name: 'a connect', prepare: ground },
  {
    act: (run) => connect(run, 'db', 'a'),
    name: 'a connect that takes the default route over',
    prepare: async (run) => {
      await connected(run)
      await network(run, 'db', 2)
    },
  },
  { act: (run) => run.ask('endpoint.leave', { endpoint: 'e' }), name: 'a leave', prepare: joined },
  { act: (run) => disconnect(run, 'web', 'a'), name: 'a disconnect', prepare: connected },
  {
    act: (run) => disconnect(run, 'db', 'a'),
    name: 'a disconnect that gives the default route back',
    prepare: onTwo,
  },
  {
    act: (run) => run.ask('endpoint.delete', { endpoint: 'e', force: true }),
    name: 'a delete by force',
    prepare: joined,
  },
  {
    act: (run) => run.ask('sandbox.delete', { sandbox: 'a' }),
    name: 'the end of a sandbox with two endpoints',
    prepare: onTwo,
  },
  {
    act: (run) => run.ask('network.delete', { network: 'web' }),
    name: 'the end of a network',
    prepare: ground,
  },
  {
    act: (run) => Promise.all([connect(run, 'web', 'a'), disconnect(run, 'web', 'a')]),
    name: 'connect and disconnect at once',
    prepare: ground,
  },
  {
    act: (run) =>
      Promise.all([
        connect(run, 'web', 'a'),
        disconnect(run, 'web', 'a'),
        connect(run, 'web', 'a'),
        run.ask('sandbox.delete', { sandbox: 'a' }),
      ]),
    name: 'connect, disconnect, connect and delete at once',
    prepare: ground,
  },
  {
    act: async (run) => {
      await disconnect(run, 'web', 'a')
      await connect(run, 'web', 'a')
    },
    name: 'a reconnect, parked until the sweep',
    prepare: connected,
  },
  {
    act: (run) => Promise.all(['b', 'c', 'd'].map((name) => connect(run, 'web', name))),
    name: 'three connects at once',
    prepare: async (run) => {
      await connected(run)
      await Promise.all(['b', 'c', 'd'].map((name) => sandbox(run, name)))
    },
  },
  {
    act: (run) => {
      refusing(run, 'ensure', 'route')
      return connect(run, 'web', 'a')
    },
    name: 'a connect that the kernel refuses halfway',
    prepare: ground,
  },
  {
    act: (run) => {
      refusing(run, 'ensure', 'addr')
      return run.ask('endpoint.join', { endpoint: 'e', sandbox: 'a' })
    },
    name: 'a join that the kernel refuses halfway',
    prepare: async (run) => {
      await ground(run)
      await run.ask('endpoint.create', { name: 'e', network: 'web' })
    },
  },
  {
    act: (run) => {
      refusing(run, 'cut', 'veth')
      return run.ask('endpoint.leave', { endpoint: 'e' })
    },
    name: 'a leave that the kernel refuses',
    prepare: joined,
  },
  {
    act: (run) => {
      refusing(run, 'remove', 'veth', 2)
      return disconnect(run, 'web', 'a')
    },
    name: 'a sweep that the kernel refuses twice',
    prepare: connected,
  },
  {
    act: async (run) => {
      run.lab.root.deleteLink(run.controller.queries.endpoints()[0]?.link?.name ?? '')
      await run.lab.ports.time.runFor(0)
      await new Promise((resolve) => run.lab.ports.time.scheduler.schedule(resolve, 500))
    },
    name: 'the healing of a deleted link',
    prepare: connected,
  },
  {
    act: async (run) => {
      await run.open()
    },
    name: 'a start after a kill in the middle of a connect',
    prepare: async (run) => {
      await ground(run)
      void connect(run, 'web', 'a')
      await new Promise((resolve) => run.lab.ports.time.scheduler.schedule(resolve, 4))
      run.die()
    },
  },
  {
    act: async (run) => {
      await run.open()
    },
    name: 'the first start after a reboot',
    prepare: async (run) => {
      await onTwo(run)
      run.die()
      run.lab.reboot()
    },
  },
  {
    act: async (run) => {
      await onTwo(run)
      await run.ask('sandbox.delete', { sandbox: 'a' })
      await Promise.all(['web', 'db'].map((name) => run.ask('network.delete', { network: name })))
    },
    name: 'a whole life',
  },
]
