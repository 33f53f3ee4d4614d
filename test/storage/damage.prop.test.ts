/**
 * Real damage to real files: bits flipped, pages zeroed, ends cut off, files deleted. LevelDB finds some of it; whatever it
 * does not find, the log must, when it is opened or when it is read. What is never allowed: a commit that is not what was
 * written, or fewer commits than were, without a word.
 */
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Checkpoint, Commit, Log, Seq } from '../../events/index.ts'
import { openLevel } from '../../src/storage/level.ts'
import { checkTables } from '../../src/storage/tables.ts'
import { all, draft, openOn, sha256 } from '../events/support.ts'
import { harm, type Harm, harms } from './harm.ts'

const HALF = 150
let root = ''
let pristine = ''
let files: readonly string[] = []
let commits: readonly Commit[] = []
let end: Checkpoint

/** Two halves: opening makes a table of what was in the write-ahead log, so there is one of each. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'chronet-damage-'))
  pristine = join(root, 'pristine')
  for (const half of [0, 1]) {
    const store = await openLevel(pristine, true)
    const log = await openOn(store)
    for (let i = 0; i < HALF; i++) {
      const { durable } = log.append(
        draft([`endpoint/${i % 7}`, 'effects'], {
          id: `c${half}-${i}`,
          text: sha256(`${half} ${i}`).repeat(1 + (i % 5)),
        }),
        [],
      )
      if (i % 10 === 0) await durable
    }
    await log.close()
    commits = await all(log.read())
    end = log.checkpoint()
    await store.close()
  }
  files = (await readdir(pristine)).filter((file) => /\.(?:ldb|log)$|^MANIFEST|^CURRENT/.test(file)).sort()
  expect(files.filter((file) => /\.(?:ldb|log)$/.test(file)).map((file) => file.slice(-3))).toEqual([
    'ldb',
    'log',
  ])
})
afterAll(() => rm(root, { force: true, recursive: true }))

const isTold = (error: unknown): boolean =>
  ['ERR_LOG_DAMAGED', 'ERR_STORE_UNWRITABLE'].includes(String((error as { code?: unknown }).code))

/** What the log gives before it says that it is damaged, if it does. */
async function readAll(log: Log): Promise<{ readonly got: readonly Commit[]; readonly told: boolean }> {
  const got: Commit[] = []
  try {
    for await (const commit of log.read()) got.push(commit)
  } catch (error) {
    expect(isTold(error)).toBe(true)
    return { got, told: true }
  }
  return { got, told: log.damage !== undefined || log.opened.behind || log.opened.cut !== undefined }
}

type Found = 'harmless' | 'on open' | 'on read'

async function copyOfPristine(): Promise<string> {
  const path = await mkdtemp(join(root, 'copy-'))
  for (const name of await readdir(pristine)) await copyFile(join(pristine, name), join(path, name))
  return path
}

/** Tables are looked at first, as after a crash: LevelDB may end the process over a broken one (`table-rot` shows it). */
async function tryHarm(what: Harm, file: string, checkpoint?: Checkpoint): Promise<Found> {
  const path = await copyOfPristine()
  await harm(join(path, file), what)
  try {
    return (await checkTables(path)).length > 0 ? 'on open' : await tryOpen(path, checkpoint)
  } finally {
    await rm(path, { recursive: true })
  }
}

async function tryOpen(path: string, checkpoint: Checkpoint | undefined): Promise<Found> {
  let store
  try {
    store = await openLevel(path, false)
  } catch (error) {
    expect(isTold(error), String(error)).toBe(true)
    return 'on open'
  }
  try {
    return await tryRead(await openOn(store, { checkpoint, known: end.head }))
  } finally {
    await store.close()
  }
}

async function tryRead(log: Log): Promise<Found> {
  const toldOnOpen = log.damage !== undefined || log.opened.behind || log.opened.cut !== undefined
  const { got, told } = await readAll(log)
  expect(got).toEqual(commits.slice(0, got.length))
  if (got.length < commits.length) expect(told).toBe(true)
  if (log.damage !== undefined) {
    expect(() => log.append(draft(['effects']), [])).toThrow(
      expect.objectContaining({ code: 'ERR_LOG_DAMAGED' }),
    )
  }
  if (told) return toldOnOpen ? 'on open' : 'on read'
  for await (const step of log.scrub()) expect(step.verified).toBeGreaterThan(0)
  for (const commit of commits) expect(await log.outcomeOf(commit.command.id)).toEqual(commit)
  return 'harmless'
}

describe('damage to the files', () => {
  it('is found on open or on read, or harms nothing', { timeout: 120_000 }, async () => {
    const seen = new Set<string>()
    // Most of the harm to where the commits lie.
    const targets = [
      ...files,
      ...files.filter((file) => /\.(?:ldb|log)$/.test(file)).flatMap((file) => [file, file]),
    ]
    const property = fc.asyncProperty(harms, fc.nat(), fc.boolean(), async (what, which, fromCheckpoint) => {
      const [name, checkpoint] = [targets[which % targets.length] ?? '', fromCheckpoint ? end : undefined]
      seen.add(await tryHarm(what, name, checkpoint))
    })
    await fc.assert(property, { numRuns: 150 })
    expect(seen.has('on open')).toBe(true)
  })

  it.each([0, 0.2, 0.4, 0.6, 0.8])('is found when a bit of the write-ahead log flips at %d', async (at) => {
    const file = files.find((name) => name.endsWith('.log')) ?? ''
    expect(await tryHarm({ at, bit: 3, kind: 'flip' }, file)).toBe('on open')
  })

  it.each([0, 0.25, 0.5, 0.75, 0.999])('is found when a bit of a table flips at %d', async (at) => {
    const file = files.find((name) => name.endsWith('.ldb')) ?? ''
    expect(await tryHarm({ at, bit: 3, kind: 'flip' }, file)).toBe('on open')
  })

  it('is not seen where there is none', async () => {
    const path = await copyOfPristine()
    expect(await checkTables(path)).toEqual([])
    expect(await tryOpen(path, undefined)).toBe('harmless')
  })

  it.each(['CURRENT', 'MANIFEST', '.ldb', '.log'])('is found when %s is gone', async (name) => {
    const file = files.find((candidate) => candidate.includes(name)) ?? ''
    expect(await tryHarm({ at: 0, bit: 0, kind: 'delete' }, file)).toBe('on open')
  })
})

describe('damage to rows', () => {
  const withRows = async (
    change: (log: Log, store: Awaited<ReturnType<typeof openLevel>>) => Promise<void>,
  ) => {
    const path = await mkdtemp(join(root, 'rows-'))
    const store = await openLevel(path, true)
    const log = await openOn(store)
    for (let i = 0; i < 10; i++) log.append(draft(['effects'], { id: `row-${path}-${i}` }), [])
    await log.close()
    await change(log, store).finally(() => store.close())
  }

  it('in the middle refuses writing, serves what is before, and names what is missing', () =>
    withRows(async (_, store) => {
      await store.del('c000000000004')
      await store.put('c000000000005', 'rubbish')
      const log = await openOn(store)
      expect(log.damage).toMatchObject({ from: 4, to: 5 })
      expect(log.durable.seq).toBe(3)
      expect(await all(log.read())).toHaveLength(3)
      expect(await store.get('c000000000006')).toBeDefined()
    }))

  it('at the end, of a group that nobody was told of, is cut and reported', () =>
    withRows(async (before, store) => {
      await store.put('c000000000009', 'torn')
      await store.del('c00000000000a')
      const log = await openOn(store)
      expect(log.opened.cut).toMatchObject({ from: 9, rows: 1 })
      expect(log.damage).toBeUndefined()
      const { seq } = log.append(draft(['effects']), [{ stream: 'effects', version: 8 }])
      expect(seq).toBe(9)
      await log.close()
      expect(await log.verify()).toBeUndefined()
      expect(before.durable.seq).toBe(10)
    }))

  it('at the end is damage if the run directory or a snapshot knows better', () =>
    withRows(async (before, store) => {
      const checkpoint = before.checkpoint()
      await store.put('c00000000000a', 'torn')
      expect((await openOn(store, { known: before.durable })).damage).toMatchObject({ from: 10 })
      let restarted = 0
      const replay = { chunk: () => undefined, restart: () => (restarted += 1) }
      const log = await openOn(store, { checkpoint, replay })
      expect([log.damage?.from, restarted, log.durable.seq]).toEqual([10, 1, 9])
    }))

  it('that took whole groups from the end shows against the known head', () =>
    withRows(async (before, store) => {
      for (const key of ['c000000000009', 'c00000000000a']) await store.del(key)
      const behind = await openOn(store, { known: before.durable })
      expect([behind.opened.behind, behind.damage]).toEqual([true, undefined])
      expect(await behind.holds(before.durable)).toBe(false)
      expect((await openOn(store, { checkpoint: before.checkpoint() })).damage).toMatchObject({
        from: 9,
        to: 10,
      })
    }))

  it('that is a whole commit of another past is damage', () =>
    withRows(async (before, store) => {
      const other = await store.get('c000000000005')
      await store.put('c00000000000b', other ?? '')
      expect((await openOn(store)).damage).toMatchObject({ from: 11 })
      expect(before.durable.seq).toBe(10)
    }))

  it('in what finds commands again is repaired by the scrubber', () =>
    withRows(async (before, store) => {
      const [first] = await all(before.read({ to: 1 as Seq }))
      const id = first?.command.id
      await store.del(`i${id}`)
      const log = await openOn(store)
      const steps = await all(log.scrub({ chunk: 4 }))
      expect(steps).toEqual([
        { repaired: 1, verified: 4 },
        { repaired: 0, verified: 8 },
        { repaired: 0, verified: 10 },
      ])
      expect(id === undefined ? id : await log.outcomeOf(id)).toEqual(first)
    }))

  it('is met by the scrubber, and the log remembers it', () =>
    withRows(async (before, store) => {
      const log = await openOn(store, { checkpoint: before.checkpoint() })
      await store.put('c000000000003', 'rot')
      await expect(all(log.scrub())).rejects.toMatchObject({ code: 'ERR_LOG_DAMAGED', details: { from: 3 } })
      expect(log.damage).toMatchObject({ from: 3 })
    }))
})
