/** A file system that is full, and one that is read-only: real ones, in a mount namespace of the test's own. */
import { execFileSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDisk } from '../../src/storage/disk.ts'
import { all, draft, openOn, scratch, seqs } from '../events/support.ts'

async function smallDisk(megabytes: number): Promise<string> {
  const path = await scratch()
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'chronet-test', path])
  onTestFinished(() => void execFileSync('umount', [path]))
  return path
}

describe('a full disk', () => {
  it('fails the log, loses nothing that was acknowledged, and is no damage once there is room again', async () => {
    const base = await smallDisk(3)
    const where = { dataDir: join(base, 'data'), runDir: await scratch() }
    await writeFile(join(base, 'filler'), Buffer.alloc(1 << 20))
    const disk = await openDisk(where)
    const log = await openOn(await disk.openStore(), { origin: disk.origin })
    let acknowledged = 0
    const fill = async () => {
      for (let i = 0; i < 5000; i++)
        acknowledged = await log.append(draft(['effects'], { pad: 5000 }), []).durable.then(() => i + 1)
    }
    await expect(fill()).rejects.toMatchObject({
      cause: { code: 'ERR_STORE_UNWRITABLE' },
      code: 'ERR_OUTCOME_UNKNOWN',
    })
    expect(acknowledged).toBeGreaterThan(100)
    await log.close()
    await disk.close()

    await rm(join(base, 'filler'))
    const again = await openDisk(where)
    const after = await openOn(await again.openStore(), { known: log.durable, origin: again.origin })
    expect([after.damage, after.opened.behind]).toEqual([undefined, false])
    expect(seqs(await all(after.read())).length).toBeGreaterThanOrEqual(acknowledged)
    await after.append(draft(['effects']), []).durable
    await after.close()
    await again.close()
  })
})

describe('a read-only disk', () => {
  it('is said to be that', async () => {
    const base = await smallDisk(3)
    const where = { dataDir: join(base, 'data'), runDir: await scratch() }
    await (await openDisk(where)).close()
    execFileSync('mount', ['-o', 'remount,ro', base])
    await expect(openDisk(where)).rejects.toMatchObject({ code: 'ERR_STORE_UNWRITABLE' })
  })
})
