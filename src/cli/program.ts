/** All commands, in groups: what `chronet --help` shows, and docs/cli.md. Nothing heavy is loaded before a command runs. */
import { Command } from 'commander'
import { VERSION } from '../version.ts'
import { clusterLeaves } from './cluster.ts'
import { doctor } from './doctor.ts'
import { connect, disconnect, endpointLeaves } from './endpoint.ts'
import { engine } from './engine.ts'
import { addLeaf, type Leaf, type Runner } from './leaf.ts'
import { log } from './log.ts'
import { networkLeaves } from './network.ts'
import { sandboxLeaves } from './sandbox.ts'
import { diff, show } from './show.ts'
import { simulate } from './simulate.ts'
import { exporting, importing } from './transfer.ts'
import { heal, plan, verify } from './upkeep.ts'
import { why } from './why.ts'

const GROUPS: readonly (readonly [name: string, summary: string, leaves: readonly Leaf[]])[] = [
  ['network', 'sets of endpoints that reach each other', networkLeaves],
  ['sandbox', "containers' network stacks", sandboxLeaves],
  ['endpoint', 'what joins a network to a sandbox', endpointLeaves],
  ['cluster', 'other hosts, and one history with them', clusterLeaves],
]

const SECTIONS: readonly (readonly [title: string, leaves: readonly Leaf[]])[] = [
  ['Every day:', [connect, disconnect]],
  ['Looking back:', [log, show, diff, why]],
  ['Upkeep:', [engine, plan, heal, verify, exporting, importing, doctor]],
  ['Looking for what breaks:', [simulate]],
]

export function buildProgram(run: Runner): Command {
  const program = new Command('chronet')
    .description('Container networks on Linux that remember: every change is a fact in a log.')
    .version(VERSION, '-V, --version', 'the version')
    .helpOption('-h, --help', 'this help')
    .helpCommand(false)
    .enablePositionalOptions()
    .addHelpText('after', EPILOGUE)
  program.commandsGroup('Every day:')
  for (const [name, summary, leaves] of GROUPS) {
    const group = program.command(name).summary(summary).description(summary)
    group.helpCommand(false).helpOption('-h, --help', 'this help').enablePositionalOptions()
    for (const leaf of leaves) addLeaf(group, leaf, run)
  }
  for (const [title, leaves] of SECTIONS) {
    program.commandsGroup(title)
    for (const leaf of leaves) addLeaf(program, leaf, run)
  }
  return program
}

const EPILOGUE = `
Every command has --help with examples, and --json. Exit status: 0 done, 1 refused or failed, 2 plan found something
to do, 64 wrong usage, 69 the engine or the data directory cannot be had now, 77 not permitted.`
