/**
 * All commands, in groups: what `chronet --help` shows, and docs/cli.md. A process is started for one of them, so the others are neither
 * loaded nor made ready, unless the words name none: then help or an error speaks of all.
 */
import { Command } from 'commander'
import { VERSION } from '../version.ts'
import type * as Everyday from './everyday.ts'
import type * as Others from './others.ts'
import { addLeaf, type Leaf, type Runner } from './leaf.ts'

/** In two parts only: each file that is loaded takes its time, too, and help needs them all. */
const everyday = (): Promise<typeof Everyday> => import('./everyday.ts')
const others = (): Promise<typeof Others> => import('./others.ts')

type Group = {
  readonly leaves: () => Promise<readonly Leaf[]>
  readonly name: string
  readonly summary: string
}

const GROUPS: readonly Group[] = [
  {
    leaves: async () => (await everyday()).networkLeaves,
    name: 'network',
    summary: 'sets of endpoints that reach each other',
  },
  {
    leaves: async () => (await everyday()).sandboxLeaves,
    name: 'sandbox',
    summary: "containers' network stacks",
  },
  {
    leaves: async () => (await everyday()).endpointLeaves,
    name: 'endpoint',
    summary: 'what joins a network to a sandbox',
  },
  {
    leaves: async () => (await others()).vipLeaves,
    name: 'vip',
    summary: 'addresses of networks of a cluster that are held for services',
  },
  {
    leaves: async () => (await others()).clusterLeaves,
    name: 'cluster',
    summary: 'other hosts, and one history with them',
  },
]

/** By name. */
type Leaves = Readonly<Record<string, () => Promise<Leaf>>>

const SECTIONS: readonly (readonly [title: string, leaves: Leaves])[] = [
  [
    'Every day:',
    {
      connect: async () => (await everyday()).connect,
      disconnect: async () => (await everyday()).disconnect,
    },
  ],
  [
    'Looking back:',
    {
      log: async () => (await others()).log,
      show: async () => (await others()).show,
      diff: async () => (await others()).diff,
      why: async () => (await others()).why,
    },
  ],
  [
    'Upkeep:',
    {
      engine: async () => (await others()).engine,
      plan: async () => (await others()).plan,
      heal: async () => (await others()).heal,
      verify: async () => (await others()).verify,
      export: async () => (await others()).exporting,
      import: async () => (await others()).importing,
      doctor: async () => (await others()).doctor,
    },
  ],
  ['Looking for what breaks:', { simulate: async () => (await others()).simulate }],
]

/** @param words that are to be parsed; what they do not name is left out. Absent: all is there */
export async function buildProgram(run: Runner, words: readonly string[] = []): Promise<Command> {
  const program = new Command('chronet')
    .description('Container networks on Linux that remember: every change is a fact in a log.')
    .version(VERSION, '-V, --version', 'the version')
    .helpOption('-h, --help', 'this help')
    .helpCommand(false)
    .enablePositionalOptions()
    .addHelpText('after', EPILOGUE)
  const [first = '', second] = words
  const isOne =
    GROUPS.some(({ name }) => name === first) || SECTIONS.some(([, leaves]) => Object.hasOwn(leaves, first))
  const isMeant = (name: string): boolean => !isOne || name === first
  program.commandsGroup('Every day:')
  for (const group of GROUPS) if (isMeant(group.name)) await addGroup(program, group, second, run)
  for (const [title, leaves] of SECTIONS) {
    program.commandsGroup(title)
    for (const [name, leaf] of Object.entries(leaves)) if (isMeant(name)) addLeaf(program, await leaf(), run)
  }
  return program
}

async function addGroup(
  program: Command,
  group: Group,
  word: string | undefined,
  run: Runner,
): Promise<void> {
  const { name, summary } = group
  const command = program.command(name).summary(summary).description(summary)
  command.helpCommand(false).helpOption('-h, --help', 'this help').enablePositionalOptions()
  const leaves = await group.leaves()
  const meant = leaves.filter((leaf) => leaf.name === word)
  for (const leaf of meant.length > 0 ? meant : leaves) addLeaf(command, leaf, run)
}

const EPILOGUE = `
Every command has --help with examples, and --json. Exit status: 0 done, 1 refused or failed, 2 plan found something
to do, 64 wrong usage, 69 the engine or the data directory cannot be had now, 77 not permitted.`
