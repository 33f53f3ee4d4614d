/**
 * How the demo speaks: a line a step for people, with colours on a terminal only, or an object a line for programs.
 */

/** A claim's two sides, when they are not the same. */
export type Failure = { readonly expected: string; readonly seen: string }

/** A table with its title. */
export type Table = { readonly rows: readonly (readonly string[])[]; readonly title: string }

/** What a step came to. */
export type Told = {
  /** First and last commit that it wrote; absent: none. */
  readonly commits?: readonly [first: number, last: number]
  /** What did not hold; absent: all did. */
  readonly failure?: Failure
  /** Milliseconds; absent: nothing was timed. */
  readonly ms?: number
  /** From 1. */
  readonly number: number
  /** What the kernel or the log showed. */
  readonly proof: string
  readonly tables?: readonly Table[]
  readonly what: string
}

export interface Printer {
  close(failed: number, steps: number): void
  open(where: string): void
  step(told: Told): void
}

/** Where it is written to. */
type Write = (text: string) => void

const WHAT_WIDTH = 41
const COMMITS_WIDTH = 10
const MS_WIDTH = 8
const INDENT = ' '.repeat(6)

export type Paint = (style: 'bold' | 'dim' | 'red', text: string) => string

const CODES = { bold: '1', dim: '2', red: '31' } as const

/** Paints, if `wanted` (a terminal, and no NO_COLOR: no-color.org). */
export const painter =
  (wanted: boolean): Paint =>
  (style, text) =>
    wanted && text !== '' ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text

/** For people. */
export function linePrinter(write: Write, paint: Paint): Printer {
  return {
    close: (failed, steps) => {
      if (failed === 0) write(`\nNext: ${NEXT}\n`)
      else write(paint('red', `\n${failed} of ${steps} steps did not hold\n`))
    },
    open: (where) => {
      const title = `${paint('bold', 'chronet')} · the main job on ${where} (nothing of yours is touched)`
      write(`${title}\n\n`)
    },
    step: (told) => write(told.failure === undefined ? held(told, paint) : paint('red', broken(told))),
  }
}

const NEXT = 'npx tsx examples/quickstart.ts · README.md, what is promised · docs/architecture.md'

/** For programs: one object a step, in lines. */
export const jsonPrinter = (write: Write): Printer => ({
  close: () => undefined,
  open: () => undefined,
  step: (told) => write(`${JSON.stringify({ ...told, ok: told.failure === undefined })}\n`),
})

function held(told: Told, paint: Paint): string {
  const { number, proof, tables = [], what } = told
  const columns = paint('dim', `${commitsOf(told).padEnd(COMMITS_WIDTH)}${msOf(told).padStart(MS_WIDTH)}`)
  const line = `${paint('dim', String(number).padStart(3))}  ${what.padEnd(WHAT_WIDTH)}${columns}   ${proof}`
  const below = tables.map((table) => indented(table, paint)).join('')
  return `${line.trimEnd()}\n${below}${below === '' ? '' : '\n'}`
}

/** Without colours it must be seen too. */
function broken(told: Told): string {
  const { failure, number, what } = told
  const line = `${String(number).padStart(3)}  ${what.padEnd(WHAT_WIDTH)}${commitsOf(told).padEnd(COMMITS_WIDTH)}`
  return `${line}  FAILED\n${INDENT}expected  ${failure?.expected ?? ''}\n${INDENT}seen      ${failure?.seen ?? ''}\n`
}

function commitsOf({ commits }: Told): string {
  if (commits === undefined) return ''
  const [first, last] = commits
  return first === last ? `#${first}` : `#${first}-#${last}`
}

/** Two digits that matter, as far as the clock can tell. */
function msOf({ ms }: Told): string {
  if (ms === undefined) return ''
  return `${ms < 1 ? ms.toFixed(2) : ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`
}

function indented(table: Table, paint: Paint): string {
  const [head = '', ...rows] = tableLines(table.rows)
  const lines = [paint('dim', table.title), paint('dim', head), ...rows]
  return `\n${lines.map((line) => `${INDENT}${line}\n`).join('')}`
}

/** Columns as wide as their widest cell, three blanks apart. */
export function tableLines(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  )
}
