/**
 * docs/cli.md, from the commands themselves: what `--help` says of each. `npm run docs` writes it; a test fails while it differs.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { buildProgram } from '../src/cli/program.ts'

/** Where the page lies. */
export const MANUAL = fileURLToPath(new URL('../docs/cli.md', import.meta.url))

const WIDTH = 100

/** The page. */
export async function manual(): Promise<string> {
  const program = await buildProgram(() => Promise.resolve())
  const commands = program.commands.flatMap((command) =>
    command.commands.length > 0 ? command.commands : [command],
  )
  return [HEAD, ...commands.map(section)].join('\n')
}

const HEAD = `# chronet on the command line

<!-- Made by \`npm run docs\` from src/cli: what \`--help\` says of each command. -->

In a checkout after \`npm ci\`: \`npx chronet\`. Every command works with no engine running and beside one: it goes through the
engine's socket if \`chronet engine\` (or a program that serves) has the data directory, else it opens the log itself, for the time of
the command. Reading commands write nothing, neither to the log nor to the kernel. Only an engine heals by itself.

Options that every command has:

| option | |
|---|---|
| \`--json\` | one JSON object a line, for programs; errors too, to stderr |
| \`--data-dir <dir>\` | where the log is: else \`CHRONET_DATA_DIR\`, else \`/var/lib/chronet\` |
| \`--run-dir <dir>\` | what does not outlive the boot: else \`CHRONET_RUN_DIR\`, else \`/run/chronet\` |
| \`--debug\` | errors with their stack |
| \`--dry-run\` | where something is changed: says what would be written, done and interrupted, and does nothing |
| \`--reason <text>\` | where something is changed: why, for the log |
| \`--id <id>\` | where something is changed: of the command; given again with the same, it is done once, and answered again |

| exit status | |
|---|---|
| 0 | done |
| 1 | refused, or failed |
| 2 | \`plan\` found something to do |
| 64 | wrong usage |
| 69 | the engine or the data directory cannot be had now |
| 77 | not permitted |

What is refused is told with all its problems, each with a code that never changes: [errors](errors/).
A dry run of what takes endpoints out of their sandboxes counts the connections that it would interrupt: TCP of the sandboxes' sockets,
and whatever else the host forwards or answers for their addresses ([0027](decisions/0027-connections-by-two-sources.md)). Where the
kernel does not tell, or not to who asks, they are \`unknown\`.
Who acts is recorded with each command: the uid and the login uid as the kernel has them, and sudo's user.
`

function section(command: Command): string {
  const name = nameOf(command)
  command.configureHelp({ helpWidth: WIDTH })
  let text = ''
  command.configureOutput({ getOutHelpWidth: () => WIDTH, writeOut: (more) => (text += more) })
  command.outputHelp()
  return `## ${name}\n\n\`\`\`\n${withoutCommon(text).trimEnd()}\n\`\`\`\n`
}

function nameOf(command: Command): string {
  const { parent } = command
  return parent === null ? command.name() : `${nameOf(parent)} ${command.name()}`
}

/** The options that the page's head has told of. */
const withoutCommon = (text: string): string => text.replace(/Common options:\n(?: .*\n)+\n?/, '')

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(MANUAL, await manual())
