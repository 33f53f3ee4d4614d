/**
 * LevelDB, the store of the log. The only file that imports `level`.
 *
 * LevelDB makes a fresh database where it finds none, and while it does so it deletes table files it does not know. A directory
 * that lost its CURRENT file would lose all the rest that way, so a store is only made where nothing is.
 */
import { constants } from 'node:fs'
import { access, readdir } from 'node:fs/promises'
import { Level } from 'level'
import { EngineError } from '../../events/index.ts'
import type { Store } from '../ports.ts'
import { onDisk } from './errors.ts'
import { makeDirectory } from './make-directory.ts'
import { DATA_FILE } from './manifest.ts'

/**
 * Bytes of rows in memory before LevelDB makes a table of them, and of a table file. Larger means fewer compactions
 * under load (a fifth less CPU a row than with the defaults of 4 and 2 MiB), and more to read at open: twice as long at 16.
 */
const WRITE_BUFFER_BYTES = 8 << 20
const TABLE_BYTES = 8 << 20

/**
 * Opens the store in a directory, and makes it if `mayCreate`.
 * @throws {EngineError} ERR_LOG_DAMAGED, ERR_NOT_PERMITTED, ERR_STORE_UNWRITABLE.
 * @throws an error whose cause has code LEVEL_LOCKED: another has it open.
 */
export async function openLevel(path: string, mayCreate: boolean): Promise<Store> {
  return await onDisk(`store ${path}`, async () => {
    await makeDirectory(path, 0o700)
    // LevelDB would tell a read-only or forbidden directory by a message only.
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
    const files = await readdir(path)
    if (!files.includes('CURRENT')) assertCreatable(path, mayCreate, files)
    const level = new Level(path, {
      createIfMissing: mayCreate,
      keyEncoding: 'utf8',
      maxFileSize: TABLE_BYTES,
      valueEncoding: 'utf8',
      writeBufferSize: WRITE_BUFFER_BYTES,
    })
    await level.open()
    return level
  })
}

function assertCreatable(path: string, mayCreate: boolean, files: readonly string[]): void {
  const rest = files.filter((file) => DATA_FILE.test(file))
  if (mayCreate && rest.length === 0) return
  throw new EngineError(
    'ERR_LOG_DAMAGED',
    `store ${path}: CURRENT is missing${rest.length > 0 ? ', other files of it are there' : ''}; restore a backup`,
    { details: { files: rest, path } },
  )
}
