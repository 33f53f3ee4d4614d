/** Looking at a store's files while somebody works with them, and nobody knows of him: his process cannot be seen, or is ours. */
import { cp, copyFile, readdir, rename, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDisk } from '../../src/storage/disk.ts'
import { openLevel } from '../../src/storage/level.ts'
import { lookAt } from '../../src/storage/look.ts'
import { scratch } from '../events/support.ts'

/** Writes and compacts until it is told to stop: tables and write-ahead logs come and go. */
function busy(store: Awaited<ReturnType<typeof openLevel>>): () => Promise<void> {
  let isOver = false
  const level = store as typeof store & { compactRange(from: string, to: string): Promise<void> }
  const write = async (): Promise<void> => {
    for (let i = 0; !isOver; i++) {
      await store
        .batch()
        .put(`c${i % 50}`, String(i).repeat(50))
        .write()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const compact = async (): Promise<void> => {
    while (!isOver) await level.compactRange('a', 'z')
  }
  const work = Promise.all([write(), compact()])
  return async () => {
    isOver = true
    await work
  }
}

/** Two states of one store, the second of later files: what is between them are whole states too. */
async function states(): Promise<readonly [string, string]> {
  const base = await scratch()
  const path = join(base, 'store')
  const kept: string[] = []
  for (const name of ['before', 'after']) {
    const store = await openLevel(path, true)
    await store.put('c1', name)
    await store.close()
    await cp(path, join(base, name), { recursive: true })
    kept.push(join(base, name))
  }
  return kept as unknown as readonly [string, string]
}

/** Puts a state in another's place as LevelDB does: first what is new, then CURRENT, and what nobody names any more goes last. */
async function follow(path: string, from: string, to: string): Promise<void> {
  const [old, next] = [await readdir(from), await readdir(to)]
  for (const file of next.filter((name) => name !== 'CURRENT' && !old.includes(name)))
    await copyFile(join(to, file), join(path, file))
  await copyFile(join(to, 'CURRENT'), join(path, 'CURRENT.dbtmp'))
  await rename(join(path, 'CURRENT.dbtmp'), join(path, 'CURRENT'))
  for (const file of old.filter((name) => !next.includes(name))) await rm(join(path, file))
}

describe('a store', () => {
  it('is locked, never damaged, while somebody writes in it whom nobody sees', async () => {
    const base = await scratch()
    const where = { dataDir: join(base, 'data'), runDir: join(base, 'run') }
    const disk = await openDisk(where)
    const stop = busy(await disk.openStore())
    const outcomes = new Set<unknown>()
    // On a busy machine a look is disturbed for its full two seconds: then fewer do.
    const end = performance.now() + 4000
    const ask = async (): Promise<void> => {
      for (let i = 0; i < 40 && performance.now() < end; i++)
        await openDisk(where).then(
          (second) => outcomes.add(second.damage ?? 'opened'),
          (error: unknown) => outcomes.add((error as { readonly code?: unknown }).code),
        )
    }
    await Promise.all(Array.from({ length: 5 }, ask))
    await stop()
    await disk.close()
    expect([...outcomes]).toEqual(['ERR_STORE_LOCKED'])
  })

  it('is not called damaged for what changes while it is looked at', async () => {
    const [before, after] = await states()
    const path = join(before, '..', 'seen')
    await cp(before, path, { recursive: true })
    let isOver = false
    const changing = (async () => {
      while (!isOver) {
        await follow(path, before, after)
        await follow(path, after, before)
      }
    })()
    const found = await Promise.all(Array.from({ length: 100 }, () => lookAt(path, true)))
    isOver = true
    await changing
    expect(new Set(found.flatMap((look) => look?.broken ?? []))).toEqual(new Set())
  })

  it('that is damaged is called so at the first look that nobody disturbs', async () => {
    const [path] = await states()
    const [log = ''] = (await readdir(path)).filter((name) => name.startsWith('MANIFEST'))
    await truncate(join(path, log), 3)
    const began = performance.now()
    expect((await lookAt(path, false))?.broken).toHaveLength(1)
    expect(performance.now() - began).toBeLessThan(1000)
  })
})
