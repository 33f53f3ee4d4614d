/**
 * LevelDB ends the process by an assertion when the length of a key has rotted in a table. So this happens in a process of its
 * own. It must be the last one: the next start looks at the tables first and says what is wrong, and does not let LevelDB see them.
 */
import { execFile } from 'node:child_process'
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { openDisk, readHolder } from '../../src/storage/disk.ts'
import { draft, openOn, scratch, sha256 } from '../events/support.ts'

const CHILD = fileURLToPath(new URL('table-rot.child.ts', import.meta.url))

/** A data directory with one table, and the process that had it gone without a word. */
async function dataDirWithTable(): Promise<{
  readonly dataDir: string
  readonly runDir: string
  readonly table: string
}> {
  const base = await scratch()
  const where = { dataDir: join(base, 'data'), runDir: join(base, 'run') }
  for (const half of [0, 1]) {
    const disk = await openDisk(where)
    const log = await openOn(await disk.openStore(), { origin: disk.origin })
    for (let i = 0; i < 50; i++) log.append(draft(['effects'], { text: sha256(`${half} ${i}`) }), [])
    await log.close()
    await disk.close()
  }
  await writeFile(join(where.dataDir, 'holder'), JSON.stringify({ command: 'gone', pid: 1, role: 'engine' }))
  const files = await readdir(join(where.dataDir, 'store'))
  return { ...where, table: join(where.dataDir, 'store', files.find((file) => file.endsWith('.ldb')) ?? '') }
}

describe('a rotten table', () => {
  it('that ends a process ends no second one', { timeout: 60_000 }, async () => {
    const { dataDir, runDir, table } = await dataDirWithTable()
    const bytes = await readFile(table)
    // The first key shares nothing with the one before it and is 21 bytes long; now it is five, and none has less than eight.
    const length = bytes.indexOf(Buffer.from([0, 21])) + 1
    expect(length).toBeLessThan(16)
    bytes.writeUInt8(5, length)
    await writeFile(table, bytes)
    await cp(dataDir, `${dataDir}-copy`, { recursive: true })

    await writeFile(join(dataDir, 'holder'), '')
    const child = promisify(execFile)(process.execPath, ['--import', 'tsx', CHILD, dataDir, runDir])
    await expect(child).rejects.toMatchObject({ signal: 'SIGABRT' })
    expect(await readHolder(dataDir)).toMatchObject({ pid: child.child.pid })
    for (const where of [
      { dataDir, runDir },
      { dataDir: `${dataDir}-copy`, runDir },
    ]) {
      const disk = await openDisk(where)
      expect(disk.damage?.details['files']).toEqual([
        { at: 0, file: basename(table), why: 'a block has another checksum' },
      ])
      await disk.close()
    }
  })

  it('is looked for only after a holder that did not let go, and a sound one is no hindrance', async () => {
    const { dataDir, runDir } = await dataDirWithTable()
    const disk = await openDisk({ dataDir, runDir })
    expect((await openOn(await disk.openStore(), { origin: disk.origin })).durable.seq).toBe(100)
    await disk.close()
    expect(await readHolder(dataDir)).toBeUndefined()
  })
})
