import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Origin } from '../../events/index.ts'
import { openDisk, readHolder } from '../../src/storage/disk.ts'
import { diskError } from '../../src/storage/errors.ts'
import { draft, openOn, scratch } from '../events/support.ts'

const places = async () => {
  const base = await scratch()
  return { dataDir: join(base, 'data', 'deep'), runDir: join(base, 'run') }
}
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777

describe('a data directory', () => {
  it('is made with its origin, and is the same log the next time', async () => {
    const where = await places()
    const disk = await openDisk(where)
    expect(disk.origin).toMatch(/^[0-9a-f]{64}$/)
    expect(disk.runDir).toBe(join(where.runDir, disk.origin.slice(0, 12)))
    expect([await modeOf(where.dataDir), await modeOf(disk.runDir)]).toEqual([0o700, 0o700])
    const log = await openOn(await disk.openStore(), { origin: disk.origin })
    await log.append(draft(['effects']), []).durable
    await log.close()
    await disk.close()
    expect((await readdir(where.dataDir)).sort()).toEqual(['origin', 'store'])

    const again = await openDisk(where)
    expect(again.origin).toBe(disk.origin)
    expect((await openOn(await again.openStore(), { origin: disk.origin })).durable).toEqual(log.durable)
    await again.close()
  })

  it('is refused at once where the file system makes no directories', async () => {
    const { dataDir, runDir } = await places()
    await expect(openDisk({ dataDir: '/proc/none/deep', runDir })).rejects.toMatchObject({
      code: 'ERR_STORE_UNWRITABLE',
      message: 'no directory can be made in /proc; choose another place',
    })
    await expect(openDisk({ dataDir, runDir: '/proc/none/deep' })).rejects.toMatchObject({
      code: 'ERR_RUN_DIR',
    })
    await expect(stat(dataDir)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('belongs to one at a time, and says to whom', async () => {
    const where = await places()
    const disk = await openDisk(where, { role: 'engine' })
    const holder = await readHolder(where.dataDir)
    expect(holder).toMatchObject({ pid: process.pid, role: 'engine' })
    await expect(openDisk(where)).rejects.toMatchObject({ code: 'ERR_STORE_LOCKED', details: { holder } })
    expect(await readHolder(where.dataDir)).toEqual(holder)
    await disk.close()
    await (await openDisk(where)).close()
  })

  it('gives its store anew after it was closed', async () => {
    const disk = await openDisk(await places())
    const store = await disk.openStore()
    expect(await disk.openStore()).toBe(store)
    await store.close()
    const again = await disk.openStore()
    expect([again.status, again === store]).toEqual(['open', false])
    await disk.close()
    expect(again.status).toBe('closed')
  })

  it('that lost its origin, its store or its CURRENT is not taken for a new one', async () => {
    const where = await places()
    const disk = await openDisk(where)
    await (await openOn(await disk.openStore(), { origin: disk.origin })).append(draft(['effects']), [])
      .durable
    await disk.close()
    const origin = await readFile(join(where.dataDir, 'origin'), 'utf8')
    const refused = () => expect(openDisk(where)).rejects.toMatchObject({ code: 'ERR_LOG_DAMAGED' })
    await rm(join(where.dataDir, 'origin'))
    await refused()
    await writeFile(join(where.dataDir, 'origin'), 'half')
    await refused()
    await writeFile(join(where.dataDir, 'origin'), origin)
    await (await openDisk(where)).close()
    await rm(join(where.dataDir, 'store', 'CURRENT'))
    const files = (await readdir(join(where.dataDir, 'store'))).length
    const beside = await openDisk(where)
    expect(beside.damage).toMatchObject({ details: { files: [{ file: 'CURRENT', why: 'it is missing' }] } })
    await beside.close()
    expect(await readdir(join(where.dataDir, 'store'))).toHaveLength(files)
    await rm(join(where.dataDir, 'store'), { recursive: true })
    await refused()
  })

  it('whose first engine died while it made the store is taken by the next', async () => {
    const where = await places()
    await mkdir(join(where.dataDir, 'store'), { recursive: true })
    await writeFile(join(where.dataDir, 'store', 'MANIFEST-000001'), '')
    await writeFile(join(where.dataDir, 'origin.new'), 'half')
    await (await openDisk(where)).close()
  })

  it('takes the origin it is given, once', async () => {
    const where = await places()
    const newOrigin = () => 'a'.repeat(64) as Origin
    await (await openDisk(where, { newOrigin })).close()
    const disk = await openDisk(where, { newOrigin: () => 'b'.repeat(64) as Origin })
    expect(disk.origin).toBe('a'.repeat(64))
    await disk.close()
  })
})

describe('a run directory', () => {
  it('that others may use, or that is none, is refused, and the lock let go', async () => {
    const where = await places()
    const disk = await openDisk(where)
    await disk.close()
    const refused = () => expect(openDisk(where)).rejects.toMatchObject({ code: 'ERR_RUN_DIR' })
    await chmod(disk.runDir, 0o750)
    await refused()
    await rm(disk.runDir, { recursive: true })
    await symlink('/tmp', disk.runDir)
    await refused()
    await rm(disk.runDir)
    await writeFile(disk.runDir, '')
    await refused()
    await rm(disk.runDir)
    await (await openDisk(where)).close()
  })

  it('remembers the last head, whole or not at all', async () => {
    const where = await places()
    const disk = await openDisk(where)
    expect(await disk.readHead()).toBeUndefined()
    const head = { bootId: 'b'.repeat(36), hash: 'f'.repeat(64), seq: 2 ** 47 }
    disk.writeHead(head)
    disk.writeHead({ ...head, seq: 3 })
    await disk.close()
    const again = await openDisk(where)
    expect(await again.readHead()).toEqual({ ...head, seq: 3 })
    await writeFile(join(again.runDir, 'head'), '{"bootId":1}')
    expect(await again.readHead()).toBeUndefined()
    await again.close()
  })
})

describe('what the disk says', () => {
  it.each([
    ['ENOSPC', 'ERR_STORE_UNWRITABLE'],
    ['EROFS', 'ERR_STORE_UNWRITABLE'],
    ['EACCES', 'ERR_NOT_PERMITTED'],
    ['LEVEL_CORRUPTION', 'ERR_LOG_DAMAGED'],
    ['LEVEL_IO_ERROR', 'ERR_STORE_UNWRITABLE'],
  ])('%s becomes %s, cause and all', (code, ours) => {
    const cause = Object.assign(new Error('outer'), { code: 'LEVEL_DATABASE_NOT_OPEN', cause: { code } })
    expect(diskError(cause, 'it')).toMatchObject({ cause, code: ours })
  })

  it('and what is not known stays as it is', () => {
    const error = new Error('odd')
    expect(diskError(error, 'it')).toBe(error)
  })
})
