/** From words to an exit status: parse, run, tell what went wrong. */
import { CommanderError, type Command } from 'commander'
import type { CommandId } from '../../events/index.ts'
import { commandId } from '../server/arguments.ts'
import type { Io } from './io.ts'
import type { Values } from './leaf.ts'
import { asJson, exitCodeOf, tell, UsageError } from './problems.ts'
import { buildProgram } from './program.ts'
import { visible } from './visible.ts'
import { Session, type Reach, type Settings } from './session.ts'

/** @param given words without the program's own name; @returns the exit status */
export async function run(given: readonly string[], io: Io, reach: Reach): Promise<number> {
  // As other programs have it; nothing of ours is called so.
  const words = given[0] === 'help' ? [...given.slice(1), '--help'] : given
  let status = 0
  const program = await buildProgram(async (leaf, args, values) => {
    const session = new Session(io, settingsOf(values, io.env), reach)
    status = (await leaf.run(session, args, values)) ?? 0
  }, words)
  speakBy(program, io)
  try {
    if (words.length === 0) program.outputHelp()
    else await program.parseAsync(words, { from: 'user' })
    return status
  } catch (error) {
    return fail(error, words, io)
  }
}

/** Commander writes by us, and ends nothing. */
function speakBy(program: Command, io: Io): void {
  const all = [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]
  for (const command of all)
    command.exitOverride().configureOutput({
      getErrHasColors: () => false,
      getErrHelpWidth: () => io.width ?? HELP_WIDTH,
      getOutHasColors: () => false,
      getOutHelpWidth: () => io.width ?? HELP_WIDTH,
      outputError: () => undefined,
      writeErr: io.writeError,
      writeOut: io.write,
    })
}

/** Characters to a line of help where there is no terminal. */
export const HELP_WIDTH = 110

function settingsOf(values: Values, env: NodeJS.ProcessEnv): Settings {
  const [id, reason] = [values.text('id'), values.text('reason')]
  const wrong = id === undefined ? undefined : commandId(id)
  if (wrong !== undefined) throw new UsageError(`--id ${wrong}`)
  const { CHRONET_DATA_DIR: dataDir, CHRONET_RUN_DIR: runDir } = env
  return {
    dataDir: values.text('dataDir') ?? (dataDir || '/var/lib/chronet'),
    dryRun: values.flag('dryRun'),
    ...(id === undefined ? {} : { id: id as CommandId }),
    json: values.flag('json'),
    ...(reason === undefined ? {} : { reason }),
    runDir: values.text('runDir') ?? (runDir || '/run/chronet'),
  }
}

function fail(error: unknown, words: readonly string[], io: Io): number {
  const told = error instanceof CommanderError ? usage(error) : error
  if (told === undefined) return (error as CommanderError).exitCode
  if (words.includes('--json')) io.writeError(`${JSON.stringify(asJson(told))}\n`)
  else for (const line of tell(told, words.includes('--debug'))) io.writeError(`${visible(line)}\n`)
  return exitCodeOf(told)
}

/** What commander found wrong; undefined: it only showed help or the version. */
function usage({ code, exitCode, message }: CommanderError): UsageError | undefined {
  if (exitCode === 0) return undefined
  if (code === 'commander.help')
    return new UsageError("a command is missing; its words are above, and '--help' tells of each")
  const text = message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)$/, '; did you mean $1?')
  return new UsageError(
    text.includes('; ') ? text : `${text}; '--help' after the command tells how it is written`,
  )
}
