/** What the file system and LevelDB say, in the engine's codes. By code and errno only, never by a message's text. */
import { EngineError } from '../../events/index.ts'
import type { ErrorCode } from '../../events/index.ts'

const CODES: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'ERR_NOT_PERMITTED',
  EDQUOT: 'ERR_STORE_UNWRITABLE',
  EEXIST: 'ERR_STORE_UNWRITABLE',
  EIO: 'ERR_STORE_UNWRITABLE',
  ENOSPC: 'ERR_STORE_UNWRITABLE',
  ENOTDIR: 'ERR_STORE_UNWRITABLE',
  EPERM: 'ERR_NOT_PERMITTED',
  EROFS: 'ERR_STORE_UNWRITABLE',
  LEVEL_CORRUPTION: 'ERR_LOG_DAMAGED',
  LEVEL_IO_ERROR: 'ERR_STORE_UNWRITABLE',
}

/** The `code` of an error, or of what caused it: LevelDB's failure to open hides the reason one level down. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { cause, code } = error as { readonly cause?: unknown; readonly code?: unknown }
  return codeOf(cause) ?? (typeof code === 'string' ? code : undefined)
}

/** For a `catch`: nothing of the kind, if it is the file that is gone; any other error stays one. */
export const ifGone =
  <T>(empty: T) =>
  (error: unknown): T => {
    if (codeOf(error) === 'ENOENT') return empty
    throw error
  }

/** Whether the failure says that nothing is at a path. */
export const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')

/** The engine's error for a failure on a path; what has no code of ours stays as it is. */
export function diskError(error: unknown, what: string): unknown {
  if (error instanceof EngineError) return error
  const code = CODES[codeOf(error) ?? '']
  if (code === undefined) return error
  return new EngineError(code, `${what}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  })
}

/** Runs it, and gives its failures the engine's codes. */
export async function onDisk<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw diskError(error, what)
  }
}

/** A file of a store that is not what was written. */
export type BrokenFile = {
  /** Where, in bytes, if that is known. */
  readonly at?: number
  readonly file: string
  readonly why: string
}

/** What is broken, for people: the first file, and how many more. `undefined`: nothing is. */
export function damageOf(
  path: string,
  broken: readonly BrokenFile[],
  cause?: unknown,
): EngineError | undefined {
  const [first] = broken
  if (first === undefined) return undefined
  const more = broken.length > 1 ? `, and ${broken.length - 1} more of its files` : ''
  const where = first.at === undefined ? '' : ` at byte ${first.at}`
  return new EngineError(
    'ERR_LOG_DAMAGED',
    `store ${path}: ${first.file} is damaged${where} (${first.why})${more}`,
    {
      cause,
      details: { files: broken, path },
    },
  )
}
