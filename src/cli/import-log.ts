/**
 * Reading an export into a new data directory: every line is checked, and the directory is there when all of it was good, or not at all. It is
 * built beside its place and renamed into it.
 */
import { readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Commit, Origin } from '../../events/index.ts'
import { COMMIT_BYTES_MAX, decodeCommit, encodeCommit, EngineError, GENESIS } from '../../events/index.ts'
import { isClients } from '../../events/scrub.ts'
import { keys } from '../../events/store.ts'
import type { Store } from '../ports.ts'
import { Lines } from '../server/lines.ts'
import { openDisk } from '../storage/disk.ts'
import { syncDirectory } from '../storage/durable.ts'
import { ifGone, onDisk } from '../storage/errors.ts'
import { sha256 } from '../system/hash.ts'
import { makeDirectory } from '../storage/make-directory.ts'

export type Imported = { readonly commits: number; readonly head: string; readonly origin: Origin }

/** Rows that are written at once. */
const ROWS_MAX = 2000

/**
 * @param options.head that the last commit must have; `dryRun`: all is checked, and nothing is left
 * @throws {EngineError} ERR_EXISTS: there is a log; ERR_COMMIT_INVALID, ERR_LOG_DAMAGED: a line is wrong. Nothing is left then.
 */
export async function importLog(
  from: AsyncIterable<Buffer | string>,
  dataDir: string,
  { dryRun = false, head }: { readonly dryRun?: boolean; readonly head?: string | undefined } = {},
): Promise<Imported> {
  await mustBeFree(dataDir)
  const scratch = join(dirname(dataDir), `.${basename(dataDir)}.import-${process.pid}`)
  await onDisk(`directory ${dirname(dataDir)}`, () => makeDirectory(dirname(dataDir)))
  try {
    const imported = await fill(scratch, from)
    if (head !== undefined && imported.head !== head)
      throw damaged(
        `the last commit has the hash ${imported.head}, not ${head}; the export is cut short, or of another log`,
      )
    if (!dryRun) await moveTo(dataDir, scratch)
    return imported
  } finally {
    await rm(scratch, { force: true, recursive: true })
  }
}

async function moveTo(dataDir: string, scratch: string): Promise<void> {
  await onDisk(`directory ${dataDir}`, async () => {
    await rename(scratch, dataDir)
    await syncDirectory(dirname(dataDir))
  })
}

async function mustBeFree(dataDir: string): Promise<void> {
  const files = await onDisk(`data directory ${dataDir}`, () =>
    readdir(dataDir).catch(ifGone<readonly string[]>([])),
  )
  if (files.length === 0) return
  throw new EngineError(
    'ERR_EXISTS',
    `data directory ${dataDir} is not empty; import into another: --data-dir DIR`,
    {
      details: { dataDir },
    },
  )
}

async function fill(scratch: string, from: AsyncIterable<Buffer | string>): Promise<Imported> {
  const lines = linesOf(from)
  const first = await lines.next()
  if (first.done === true) throw damaged('there is no commit in it; was the export written to the end?')
  const { origin } = parsed(first.value, 1)
  if (!/^[0-9a-f]{64}$/.test(origin)) throw damaged('line 1: its origin is no origin')
  // Another copy of the log may have its run directory in use, and here none is needed: it is made in the scratch.
  const disk = await openDisk(
    { dataDir: scratch, runDir: join(scratch, 'run') },
    { newOrigin: () => origin, role: 'import' },
  )
  try {
    const chain = new Chain(await disk.openStore(), origin)
    await chain.add(first.value)
    for await (const line of lines) await chain.add(line)
    return await chain.end()
  } finally {
    await disk.close()
    await rm(join(scratch, 'run'), { force: true, recursive: true })
  }
}

/** Follows the chain, and writes what follows it. */
class Chain {
  readonly #origin: Origin
  readonly #store: Store
  #batch: ReturnType<Store['batch']>
  #head: { readonly hash: string; readonly seq: number } = GENESIS
  #rows = 0

  constructor(store: Store, origin: Origin) {
    this.#store = store
    this.#origin = origin
    this.#batch = store.batch()
  }

  async add(line: string): Promise<void> {
    const number = this.#head.seq + 1
    const { actor, command, origin, prev, seq } = parsed(line, number)
    if (seq !== number) throw damaged(`line ${number}: #${seq} stands where #${number} should`)
    if (origin !== this.#origin) throw damaged(`line ${number}: #${seq} is of another origin, ${origin}`)
    if (prev !== this.#head.hash)
      throw damaged(`line ${number}: #${seq} names another predecessor than the line before it`)
    this.#head = { hash: sha256(line), seq }
    this.#batch.put(keys.commit(seq), this.#head.hash + line)
    if (isClients(actor)) this.#batch.put(keys.command(command.id), String(seq))
    if (++this.#rows % ROWS_MAX === 0) await this.#write()
  }

  async end(): Promise<Imported> {
    await this.#write()
    return { commits: this.#head.seq, head: this.#head.hash, origin: this.#origin }
  }

  async #write(): Promise<void> {
    await this.#batch.write({ sync: true } as object)
    this.#batch = this.#store.batch()
  }
}

/** @throws {EngineError} it is no commit, or not in the form that the chain covers */
function parsed(line: string, number: number): Commit {
  try {
    const commit = decodeCommit(line)
    if (encodeCommit(commit) === line) return commit
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError('ERR_COMMIT_INVALID', `line ${number}: ${why}; is it what export wrote?`, { cause })
  }
  throw new EngineError(
    'ERR_COMMIT_INVALID',
    `line ${number}: it is not in canonical form; is it what export wrote?`,
  )
}

async function* linesOf(from: AsyncIterable<Buffer | string>): AsyncGenerator<string, void, void> {
  const lines = new Lines(COMMIT_BYTES_MAX)
  let open = false
  for await (const chunk of from) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    if (bytes.length === 0) continue
    yield* lines.push(bytes)
    open = bytes.at(-1) !== 0x0a
  }
  if (open) yield* lines.push(Buffer.from('\n'))
}

const damaged = (why: string): EngineError =>
  new EngineError('ERR_LOG_DAMAGED', `the export cannot be taken: ${why}`)
