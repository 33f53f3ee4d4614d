/**
 * The file that an export goes to: beside its place until all of it is written and synced, so that what has the name is whole. It takes
 * the place of another only if that is asked for.
 */
import { link, lstat, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { EngineError } from '../../events/index.ts'
import { syncDirectory } from '../storage/durable.ts'
import { codeOf, ifGone, onDisk } from '../storage/errors.ts'

/** Characters that are written at once. */
const PIECE_CHARS = 1 << 20

/** What file systems say that know no second names, as of memory cards: there one look before must do. */
const LINKLESS: ReadonlySet<string> = new Set(['ENOSYS', 'EOPNOTSUPP', 'EPERM'])

export class ExportFile {
  readonly #file: FileHandle
  readonly #path: string
  readonly #replaces: boolean
  readonly #scratch: string
  #pending: string[] = []
  #chars = 0

  private constructor(path: string, scratch: string, file: FileHandle, replaces: boolean) {
    this.#file = file
    this.#path = path
    this.#replaces = replaces
    this.#scratch = scratch
  }

  /**
   * @param replaces whether it may take the place of a file that is there
   * @throws {EngineError} ERR_EXISTS: something is there; ERR_NOT_FOUND: no directory is; ERR_NOT_PERMITTED, ERR_STORE_UNWRITABLE: nothing can be written there
   */
  static async open(path: string, replaces: boolean): Promise<ExportFile> {
    await onDisk(path, () => mayTake(path, replaces))
    const scratch = join(dirname(path), `.${basename(path)}.export-${process.pid}`)
    // What only the log's owner may read is not for everybody in another form.
    const file = await onDisk(path, () => open(scratch, 'w', 0o600).catch(ifGone(undefined)))
    if (file === undefined)
      throw new EngineError('ERR_NOT_FOUND', `there is no directory ${dirname(path)}; make it first`)
    return new ExportFile(path, scratch, file, replaces)
  }

  async write(text: string): Promise<void> {
    this.#pending.push(text)
    this.#chars += text.length
    if (this.#chars >= PIECE_CHARS) await this.#flush()
  }

  /** Gives it its name. @throws {EngineError} ERR_EXISTS: somebody else took that meanwhile */
  async keep(): Promise<void> {
    await this.#flush()
    await onDisk(this.#path, async () => {
      await this.#file.sync()
      await this.#file.close()
      if (this.#replaces) await rename(this.#scratch, this.#path)
      else await this.#name()
      await syncDirectory(dirname(resolve(this.#path)))
    })
  }

  /** Leaves nothing of it. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined)
    await rm(this.#scratch, { force: true })
  }

  /** A second name cannot take the place of another, as a new one would. */
  async #name(): Promise<void> {
    try {
      await link(this.#scratch, this.#path)
      await rm(this.#scratch)
    } catch (error) {
      if (codeOf(error) === 'EEXIST') throw isThere(this.#path, true)
      if (!LINKLESS.has(codeOf(error) ?? '')) throw error
      await mayTake(this.#path, false)
      await rename(this.#scratch, this.#path)
    }
  }

  async #flush(): Promise<void> {
    const text = this.#pending.join('')
    this.#pending = []
    this.#chars = 0
    await onDisk(this.#scratch, () => this.#file.writeFile(text))
  }
}

async function mayTake(path: string, replaces: boolean): Promise<void> {
  const there = await lstat(path).catch(ifGone(undefined))
  if (there !== undefined && !(replaces && there.isFile())) throw isThere(path, there.isFile())
}

const isThere = (path: string, isFile: boolean): EngineError =>
  new EngineError(
    'ERR_EXISTS',
    isFile
      ? `${path} exists; choose another name, or take its place with --force`
      : `${path} is no file, and stays; choose another name, or write to standard output`,
    { details: { path } },
  )
