/**
 * One command's run: its settings, its way to the log, and how it speaks. For people by default, lines and tables; for programs with
 * `--json`, one object a line.
 */
import type { ClientCommand, CommandId, Problem, Ref } from '../../events/index.ts'
import { problemsIn, refuseIf } from '../../events/refuse.ts'
import type { Done, Given, Operations, Place } from '../operations/operations.ts'
import { duration } from '../operations/words.ts'
import { ownActor } from './actor.ts'
import { painter, type Io, type Paint } from './io.ts'
import { previewLines } from './preview.ts'
import { UsageError } from './problems.ts'
import type { Purpose } from './reach.ts'
import { table, type Column } from './table.ts'
import { visible } from './visible.ts'

export type Settings = Place & {
  readonly dryRun: boolean
  /** Of the command that is given. */
  readonly id?: CommandId
  readonly json: boolean
  readonly reason?: string
}

/** Opens what a command works by. Who asks for it is found out when that is needed: who only reads is recorded nowhere. */
export type Reach = (place: Place, purpose: Purpose, given: () => Given) => Promise<Operations>

/** What a change came to, for people: a line. */
export type Telling = (done: Done) => string

/** Width of the text before what stands in brackets at a line's end, where there is room. */
const TEXT_WIDTH = 84

export class Session {
  readonly io: Io
  readonly paint: Paint
  readonly settings: Settings
  readonly #reach: Reach

  constructor(io: Io, settings: Settings, reach: Reach) {
    this.io = io
    this.paint = painter(io)
    this.settings = settings
    this.#reach = reach
  }

  get json(): boolean {
    return this.settings.json
  }

  print(...lines: readonly string[]): void {
    for (const line of lines) this.io.write(`${visible(line)}\n`)
  }

  /** An object for programs. */
  show(value: object): void {
    this.io.write(`${JSON.stringify(value)}\n`)
  }

  /** A word to people, where it is not mistaken for the result. */
  note(line: string): void {
    this.io.writeError(`${visible(line)}\n`)
  }

  /** A list: a table, or an object a line. `none` says that it is empty. */
  list<T extends object>(
    all: readonly T[],
    columns: readonly (Column & { readonly of: (one: T) => string })[],
    none: string,
  ): void {
    if (this.json) return all.forEach((one) => this.show(one))
    if (all.length === 0) return this.note(none)
    const rows = all.map((one) => columns.map(({ of }) => of(one)))
    const [head = '', ...lines] = table(columns, rows, this.io.width)
    this.print(this.paint('dim', head), ...lines)
  }

  /**
   * Works by an engine that runs, or by the log itself, and lets go of it. Who reads a log that is not whole is told so.
   * @param options.tells whether; false: the work itself tells of it
   * @param options.wantsLog that there is none yet is told, too: what comes out looks like something else
   */
  async with<T>(
    purpose: Purpose,
    work: (operations: Operations) => Promise<T>,
    {
      tells = purpose === 'read',
      wantsLog = false,
    }: { readonly tells?: boolean; readonly wantsLog?: boolean } = {},
  ): Promise<T> {
    const operations = await this.#reach(this.settings, purpose, () => this.given)
    let result: T
    try {
      result = await work(operations)
      if (tells || wantsLog) {
        const { blocked, origin } = await operations.status()
        if (tells) this.warn(blocked)
        if (wantsLog && origin === undefined && !this.json)
          this.note(`no log is in ${this.settings.dataDir} yet`)
      }
    } catch (error) {
      // What went wrong first is what people must hear.
      await operations.close().catch(() => undefined)
      throw error
    }
    await operations.close()
    return result
  }

  /** Of a log that is not whole. */
  warn(blocked: Problem | undefined): void {
    if (blocked === undefined) return
    const { code, message } = blocked
    this.note(this.json ? JSON.stringify({ warning: { code, message } }) : `warning ${code}: ${message}`)
  }

  get given(): Given {
    const { reason } = this.settings
    return { actor: ownActor(this.io.env), ...(reason === undefined ? {} : { reason }) }
  }

  /** Gives a command and tells what it came to; with `--dry-run`, what it would come to. */
  async change(command: ClientCommand, telling: Telling): Promise<void> {
    if (this.settings.dryRun) return this.#preview(command)
    const { id } = this.settings
    const given = { ...this.given, ...(id === undefined ? {} : { id }) }
    await this.with({ command, given }, async (operations) => {
      const before = performance.now()
      const done = await operations.dispatch(command, given)
      this.#tell(done, telling, performance.now() - before)
    })
  }

  /**
   * One change for each: what is refused keeps none of the others from being done, and is told in the end, all of it.
   * @throws {RefusedError}
   */
  async changeEach(refs: readonly Ref[], change: (ref: Ref) => Promise<void>): Promise<void> {
    if (this.settings.id !== undefined && refs.length > 1)
      throw new UsageError(`--id stands for one command, and these are ${refs.length}; give one thing`)
    const problems: Problem[] = []
    for (const ref of refs)
      try {
        await change(ref)
      } catch (error) {
        problems.push(...problemsIn(error))
      }
    refuseIf(problems)
  }

  #tell(done: Done, telling: Telling, tookMs: number): void {
    if (this.json) return this.show({ ...idIn(done), ...done })
    const tail = `(#${done.commit.seq}, ${duration(tookMs)})`
    this.print(`${telling(done).padEnd(TEXT_WIDTH)}  ${this.paint('dim', tail)}`)
  }

  async #preview(command: ClientCommand): Promise<void> {
    await this.with('read', async (operations) => {
      const preview = await operations.preview(command, this.given)
      if (this.json) {
        this.show({ dryRun: true, ...preview })
        return
      }
      this.print(...previewLines(preview, await operations.picture()))
      if (preview.unknown !== undefined) this.note(`not known: ${preview.unknown}`)
      this.note('nothing was written: this was a dry run')
    })
  }
}

/** The id of what a command made; nothing, if it made nothing. */
function idIn({ commit }: Done): { readonly id?: string } {
  const made = commit.facts.find(({ type }) =>
    ['EndpointReserved', 'NetworkCreateRequested', 'SandboxCreateRequested'].includes(type),
  )
  return made === undefined ? {} : { id: made.stream.slice(made.stream.indexOf('/') + 1) }
}
