/**
 * The run directory of one log, `<run-dir>/<origin, 12 hex>`: what must not outlive the boot. Here of it: the head that this boot has
 * seen. It must be ours alone, since a stranger who can write in it could put his own socket there.
 */
import { constants } from 'node:fs'
import { access, lstat, mkdir, open } from 'node:fs/promises'
import { readSync, writeSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../events/index.ts'
import type { Origin } from '../../events/index.ts'
import type { HeadRecord } from '../ports.ts'
import { codeOf, diskError } from './errors.ts'
import { makeDirectory } from './make-directory.ts'
import { runDirOf } from './run-dir-of.ts'

/** The record is padded to so many bytes, so that one pwrite replaces it whole. */
const HEAD_BYTES = 256

/**
 * Makes or checks `<base>/<origin12>` and returns it.
 * @throws {EngineError} ERR_RUN_DIR: it cannot be made, is no directory, or others may use it.
 */
export async function openRunDir(base: string, origin: Origin): Promise<string> {
  const path = runDirOf(base, origin)
  try {
    await makeDirectory(base, 0o755)
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw runDirError(path, 'it cannot be made', error)
  }
  const stat = await lstat(path).catch((error: unknown) => {
    throw runDirError(path, 'it cannot be looked at', error)
  })
  if (!stat.isDirectory()) throw runDirError(path, 'it is no directory')
  const uid = process.geteuid?.()
  // Where there are no uids (Windows) there are no modes either.
  if (uid === undefined) return path
  if (stat.uid !== uid) throw runDirError(path, `it belongs to uid ${stat.uid}, not to ours, ${uid}`)
  if ((stat.mode & 0o077) !== 0)
    throw runDirError(path, `its mode is ${(stat.mode & 0o777).toString(8)}, not 700`)
  return path
}

/**
 * Before a data directory is made: whether a run directory could be. So that nothing is left of an attempt that cannot succeed.
 * @throws {EngineError} ERR_RUN_DIR
 */
export async function checkBase(base: string): Promise<void> {
  try {
    await makeDirectory(base, 0o755)
    await access(base, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw runDirError(base, 'it cannot be written', error)
  }
}

const runDirError = (path: string, why: string, cause?: unknown): EngineError =>
  new EngineError(
    'ERR_RUN_DIR',
    `run directory ${path}: ${why}${cause instanceof Error ? ` (${cause.message})` : ''}; remove it or choose another`,
    { cause, details: { path } },
  )

/** The file that remembers the head. Not synced: it need not outlive the boot. */
export class HeadFile {
  readonly #file: FileHandle
  readonly #path: string

  constructor(file: FileHandle, path: string) {
    this.#file = file
    this.#path = path
  }

  static async open(runDir: string): Promise<HeadFile> {
    const path = join(runDir, 'head')
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
    try {
      return new HeadFile(await open(path, flags, 0o600), path)
    } catch (error) {
      throw runDirError(path, 'it cannot be opened', error)
    }
  }

  /** Undefined: none yet, or not readable; then it protects from nothing, and the log alone counts. */
  read(): HeadRecord | undefined {
    const bytes = Buffer.alloc(HEAD_BYTES)
    const length = readSync(this.#file.fd, bytes, 0, HEAD_BYTES, 0)
    try {
      return asHead(JSON.parse(bytes.toString('utf8', 0, length)))
    } catch {
      return undefined
    }
  }

  write({ bootId, hash, seq }: HeadRecord): void {
    const text = `${JSON.stringify({ bootId, hash, seq }).padEnd(HEAD_BYTES - 1)}\n`
    try {
      writeSync(this.#file.fd, text, 0, 'utf8')
    } catch (error) {
      throw diskError(error, `head ${this.#path}`)
    }
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

function asHead(value: unknown): HeadRecord | undefined {
  const { bootId, hash, seq } = value as Record<string, unknown>
  const isHead = typeof bootId === 'string' && typeof hash === 'string' && Number.isSafeInteger(seq)
  return isHead ? { bootId, hash, seq: seq as number } : undefined
}
