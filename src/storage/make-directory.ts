/** Makes a directory and what is above it. */
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EngineError } from '../../events/index.ts'
import { codeOf } from './errors.ts'

/**
 * As `mkdir` with `recursive`, which never ends in a file system that makes no directories, like /proc: there they cannot be
 * made although the one above is there (ENOENT), and Node's own tries again for ever.
 * @param mode of each that is made
 * @throws {EngineError} ERR_STORE_UNWRITABLE: no directory can be made there
 * @throws errors of mkdir(2); EEXIST: something else has the name
 */
export async function makeDirectory(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, { mode })
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await isDirectory(path))) return
    const above = dirname(path)
    if (codeOf(error) !== 'ENOENT' || above === path) throw error
    if (await isDirectory(above))
      throw new EngineError(
        'ERR_STORE_UNWRITABLE',
        `no directory can be made in ${above}; choose another place`,
        { cause: error },
      )
    await makeDirectory(above, mode)
    await makeDirectory(path, mode)
  }
}

const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
