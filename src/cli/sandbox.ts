/** `chronet sandbox …` */
import { ipOf } from '../../events/index.ts'
import type { EndpointView, SandboxView } from '../../projections/index.ts'
import { netnsPath } from '../kernel/kernel.ts'
import type { Picture } from '../operations/operations.ts'
import { eachOf, sandboxIn } from '../operations/picture.ts'
import { shortener } from '../operations/words.ts'
import { tellThing } from './inspect.ts'
import { given, type Leaf } from './leaf.ts'
import { since } from './network.ts'
import { UsageError } from './problems.ts'
import type { Session } from './session.ts'

const create: Leaf = {
  args: [['<name>', "the container's name or id"]],
  changes: true,
  examples: [
    'chronet sandbox create a',
    'chronet sandbox create container1 --hostname test --domain docker.io',
    'chronet sandbox create c --netns /proc/4711/ns/net',
  ],
  name: 'create',
  options: [
    { flags: '--hostname <name>', what: 'its host name; it is found by it on its networks' },
    { flags: '--domain <name>', what: 'its domain' },
    { flags: '--label <key=value>', repeat: true, what: 'a label, as often as wanted' },
    { flags: '--netns <path>', what: 'take this namespace, which somebody else made, instead of making one' },
  ],
  run: async (session, [name = ''], values) => {
    const data = given({
      domain: values.text('domain'),
      hostname: values.text('hostname'),
      labels: values.labels(),
      name,
      netns: values.text('netns'),
    })
    await session.change(
      { data, type: 'sandbox.create' },
      () => `sandbox ${name} is there; connect it: chronet connect NETWORK ${name}`,
    )
    return undefined
  },
  summary: "make a sandbox: one container's network stack, in a namespace of its own",
  text: 'With --netns, the namespace stays its owner’s: chronet puts interfaces into it and takes them out again, and never ends it. Where it is gone, as after a reboot, the sandbox is vanished: its endpoints keep their addresses, and can join another.',
}

const ls: Leaf = {
  examples: ['chronet sandbox ls', 'chronet sandbox ls --json'],
  name: 'ls',
  run: async (session) => {
    tellSandboxes(session, await session.with('read', (operations) => operations.picture()))
    return undefined
  },
  summary: 'the sandboxes that there are',
}

/** The table of sandboxes. */
export function tellSandboxes(session: Session, { endpoints, sandboxes }: Picture): void {
  const nowMs = session.io.nowMs()
  const short = shortener(sandboxes.map(({ id }) => id))
  const byId = new Map<string, EndpointView>(endpoints.map((view) => [view.id, view]))
  const interfaces = ({ interfaces: all }: SandboxView): string =>
    all
      .map(({ endpoint, ifName }) => [ifName, ...(byId.get(endpoint)?.addresses.map(ipOf) ?? [])].join(' '))
      .join(', ')
  session.list(
    sandboxes,
    [
      { of: ({ name }) => name, rank: 0, title: 'NAME' },
      { of: interfaces, rank: 1, title: 'INTERFACES' },
      { of: ({ hostname }) => hostname, rank: 3, title: 'HOSTNAME' },
      { of: (sandbox) => since(sandbox, nowMs), rank: 2, title: 'SINCE' },
      { of: ({ id }) => short(id), rank: 4, title: 'ID' },
    ],
    "no sandboxes; 'chronet sandbox create NAME' makes one",
  )
}

const inspect: Leaf = {
  args: [['<sandbox...>', 'name, id, or 4 or more characters of an id']],
  examples: ['chronet sandbox inspect a', 'chronet sandbox inspect a --json | jq -r .namespace'],
  name: 'inspect',
  run: async (session, refs) => {
    const { picture, runDir } = await session.with('read', async (operations) => ({
      picture: await operations.picture(),
      runDir: (await operations.status()).runDir,
    }))
    for (const view of eachOf(refs, (ref) => sandboxIn(picture, ref)))
      tellThing(session, picture, { kind: 'sandbox', view }, { runDir })
    return undefined
  },
  summary: 'all that is known of a sandbox, and where its namespace is',
}

const exec: Leaf = {
  args: [
    ['<sandbox>', 'name, id, or 4 or more characters of an id'],
    ['<program>', 'what to run'],
    ['[argument...]', 'its arguments'],
  ],
  examples: ['chronet sandbox exec a ip addr', 'chronet sandbox exec a ping -c 1 172.18.0.3'],
  name: 'exec',
  passThrough: true,
  run: async (session, [ref = '', ...words]) => {
    // Who is used to `docker exec a -- ip addr` may write so; no program is called `--`.
    const [program, ...args] = words[0] === '--' ? words.slice(1) : words
    if (program === undefined) throw new UsageError("nothing stands after '--': name the program to run")
    const path = await session.with('read', async (operations) => {
      const { id } = sandboxIn(await operations.picture(), ref)
      return netnsPath((await operations.status()).runDir, id)
    })
    // What starts processes is loaded when it is needed.
    return (await import('./exec.ts')).execIn(path, program, args)
  },
  summary: "run a program of the host in a sandbox's network namespace",
  text: 'Everything else of the host stays as it is around the program. Its exit status is the exit status. Options of this command come before the sandbox.',
}

const rm: Leaf = {
  args: [['<sandbox...>', 'name, id, or 4 or more characters of an id']],
  changes: true,
  examples: ['chronet sandbox rm a', 'chronet sandbox rm a b --reason "end of the test"'],
  name: 'rm',
  run: async (session, refs) => {
    await session.changeEach(refs, (sandbox) =>
      session.change({ data: { sandbox }, type: 'sandbox.delete' }, () => `sandbox ${sandbox} is gone`),
    )
    return undefined
  },
  summary: 'end sandboxes, and with them their endpoints',
}

export const sandboxLeaves: readonly Leaf[] = [create, ls, inspect, exec, rm]
