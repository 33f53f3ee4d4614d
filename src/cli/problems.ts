/**
 * Errors as people read them: what failed, on what, why, who holds it, on the first line; what to do about it on the next. And
 * the exit codes, which scripts may rely on.
 */
import { EngineError, RefusedError, type ErrorCode, type Problem } from '../../events/index.ts'

/** 0: done. */
export const EXIT = {
  /** Refused, or failed. */
  failed: 1,
  /** `plan` found something to do. */
  differs: 2,
  /** Wrong usage (EX_USAGE, sysexits.h). */
  usage: 64,
  /** The engine or the data directory cannot be had now (EX_UNAVAILABLE). */
  unavailable: 69,
  /** Not permitted (EX_NOPERM). */
  denied: 77,
} as const

/** The command line is malformed. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  ERR_CLOSED: EXIT.unavailable,
  ERR_NOT_PERMITTED: EXIT.denied,
  ERR_STORE_LOCKED: EXIT.unavailable,
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage
  return (error instanceof EngineError ? BY_CODE[error.code] : undefined) ?? EXIT.failed
}

/** The lines that tell of an error. */
export function tell(error: unknown, debug: boolean): readonly string[] {
  const stack = debug && error instanceof Error ? stackOf(error) : []
  return [...told(error), ...stack]
}

function told(error: unknown): readonly string[] {
  if (error instanceof UsageError) return heading('ERR_USAGE', error.message)
  if (error instanceof RefusedError && error.problems.length > 1) return numbered(error.problems)
  if (error instanceof EngineError) return heading(error.code, error.message)
  const message = error instanceof Error ? error.message : String(error)
  return [
    `error: ${message}`,
    `${INDENT}this is a defect of chronet, or something it did not foresee: --debug tells more`,
  ]
}

const INDENT = ' '.repeat(7)

function heading(code: string, message: string): readonly string[] {
  const [what, todo] = apart(message)
  return [`error ${code}: ${what}`, ...(todo === undefined ? [] : [INDENT + todo])]
}

function numbered(problems: readonly Problem[]): readonly string[] {
  const width = String(problems.length).length
  return [
    `error: ${problems.length} problems`,
    ...problems.flatMap(({ code, message }, i) => {
      const [what, todo] = apart(message)
      const number = `${String(i + 1).padStart(width + 2)}. `
      return [`${number}${code}: ${what}`, ...(todo === undefined ? [] : [' '.repeat(number.length) + todo])]
    }),
  ]
}

/** A message's parts: what is, and after a semicolon, what to do. */
function apart(message: string): readonly [what: string, todo?: string] {
  const text = message.replaceAll('\n', ' ')
  const end = text.indexOf('; ')
  return end === -1 ? [text] : [text.slice(0, end), text.slice(end + 2)]
}

/** The stack of an error and of what caused it. */
function stackOf(error: Error): readonly string[] {
  const lines = (error.stack ?? String(error)).split('\n')
  if (!(error.cause instanceof Error)) return lines
  const [first = '', ...rest] = stackOf(error.cause)
  return [...lines, `caused by ${first}`, ...rest]
}

/** The error for programs: one object. */
export function asJson(error: unknown): object {
  if (error instanceof UsageError) return { error: { code: 'ERR_USAGE', message: error.message } }
  if (error instanceof EngineError) {
    const { code, details, message } = error
    return { error: { code, details, message } }
  }
  return { error: { message: error instanceof Error ? error.message : String(error) } }
}
