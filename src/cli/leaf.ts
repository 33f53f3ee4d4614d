/**
 * What a command of the command line is made of: its words, options and examples as data, from which come parsing, help and docs/cli.md;
 * and what it does.
 */
import { type Command, Option } from 'commander'
import { UsageError } from './problems.ts'
import type { Session } from './session.ts'

export type Leaf = {
  /** In the order given: `<network>`, `[sandbox]`, `<name...>`, with what they mean. */
  readonly args?: readonly (readonly [spec: string, what: string])[]
  /** It changes something: it has `--dry-run`, `--reason` and `--id`. */
  readonly changes?: boolean
  readonly examples: readonly string[]
  readonly name: string
  readonly options?: readonly OptionSpec[]
  /** What comes after the last argument is not ours to read: a program and its options. */
  readonly passThrough?: boolean
  /** What it changes is no command of its own: there is none to give again, and so no `--id`. */
  readonly isNoCommand?: boolean
  /** @returns the exit status; nothing: 0 */
  readonly run: (session: Session, args: readonly string[], values: Values) => Promise<number | undefined>
  /** One line. */
  readonly summary: string
  /** More, below it. */
  readonly text?: string
}

/** Flags as commander has them. With `repeat` an option may be given again, and its values make a list. */
export type OptionSpec = {
  readonly flags: string
  readonly repeat?: boolean
  readonly what: string
}

/** Runs a leaf once its words are parsed. */
export type Runner = (leaf: Leaf, args: readonly string[], values: Values) => Promise<void>

const COMMON: readonly OptionSpec[] = [
  { flags: '--json', what: 'one JSON object a line, for programs' },
  { flags: '--data-dir <dir>', what: 'where the log is (CHRONET_DATA_DIR, else /var/lib/chronet)' },
  { flags: '--run-dir <dir>', what: 'what does not outlive the boot (CHRONET_RUN_DIR, else /run/chronet)' },
  { flags: '--debug', what: 'tell errors with their stack' },
]

const CHANGING: readonly OptionSpec[] = [
  { flags: '--dry-run', what: 'say what would be written, done and interrupted, and do nothing' },
  { flags: '--reason <text>', what: 'why, for the log' },
]

const REPEATABLE: OptionSpec = {
  flags: '--id <id>',
  what: 'of the command: given again with the same, it is done once, and answered again',
}

export function addLeaf(parent: Command, leaf: Leaf, run: Runner): void {
  const command = parent.command(leaf.name).summary(leaf.summary)
  command.description(leaf.text === undefined ? leaf.summary : `${leaf.summary}\n\n${leaf.text}`)
  for (const [spec, what] of leaf.args ?? []) command.argument(spec, what)
  const changing = leaf.isNoCommand === true ? CHANGING : [...CHANGING, REPEATABLE]
  const common = leaf.changes === true ? [...changing, ...COMMON] : COMMON
  for (const spec of leaf.options ?? []) command.addOption(optionOf(spec))
  for (const spec of common) command.addOption(optionOf(spec).helpGroup('Common options:'))
  command.helpOption('-h, --help', 'this help')
  if (leaf.passThrough === true) command.passThroughOptions()
  command.addHelpText('after', `\nExamples:\n${leaf.examples.map((line) => `  ${line}`).join('\n')}`)
  command.action(async () => {
    await run(leaf, command.args, new Values(command.opts()))
  })
}

function optionOf({ flags, repeat, what }: OptionSpec): Option {
  const option = new Option(flags, what)
  if (repeat !== true) return option
  return option.argParser((value: string, before: readonly string[] | undefined) => [
    ...(before ?? []),
    value,
  ])
}

/** Options as they were given. */
export class Values {
  readonly #given: Readonly<Record<string, unknown>>

  constructor(given: Readonly<Record<string, unknown>>) {
    this.#given = given
  }

  /** Whether it was given. */
  flag(name: string): boolean {
    return this.#given[name] === true
  }

  /** Whether its opposite (`--no-…`) was given. */
  denied(name: string): boolean {
    return this.#given[name] === false
  }

  text(name: string): string | undefined {
    const value = this.#given[name]
    return typeof value === 'string' ? value : undefined
  }

  texts(name: string): readonly string[] {
    const value = this.#given[name]
    return Array.isArray(value) ? value.map(String) : []
  }

  /** @throws {UsageError} it is no whole number */
  whole(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (!/^-?\d{1,15}$/.test(value))
      throw new UsageError(`--${dashed(name)} must be a whole number, not '${value}'`)
    return Number(value)
  }

  /** `key=value`, as often as given. @throws {UsageError} */
  labels(name = 'label'): Readonly<Record<string, string>> | undefined {
    const all = this.texts(name)
    if (all.length === 0) return undefined
    return Object.fromEntries(
      all.map((text) => {
        const at = text.indexOf('=')
        if (at < 1) throw new UsageError(`--${dashed(name)} must be KEY=VALUE, not '${text}'`)
        return [text.slice(0, at), text.slice(at + 1)]
      }),
    )
  }
}

const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** Leaves out what is absent. */
export const given = <T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
