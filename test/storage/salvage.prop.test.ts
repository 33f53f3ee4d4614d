/**
 * A data directory that is damaged: whoever opens it reads what stood before the damage, hears which file it is, and leaves every
 * byte as it was found.
 */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Commit, EngineError } from '../../events/index.ts'
import { openDisk } from '../../src/storage/disk.ts'
import { all, draft, openOn, sha256 } from '../events/support.ts'
import { harm, type Harm, harms } from './harm.ts'

/** Opening makes a table of the write-ahead log, so two tables and a log come of three. */
const SITTINGS = 3
const COMMITS = 200
let root = ''
let pristine = ''
let commits: readonly Commit[] = []
let files: readonly string[] = []

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'chronet-salvage-'))
  pristine = join(root, 'pristine')
  for (let sitting = 0; sitting < SITTINGS; sitting++) {
    const disk = await openDisk({ dataDir: pristine, runDir: join(root, 'run') })
    const log = await openOn(await disk.openStore(), { origin: disk.origin })
    for (let i = 0; i < COMMITS; i++) {
      const text = sha256(`${sitting} ${i}`).repeat(1 + (i % 5))
      const { durable } = log.append(
        draft([`endpoint/${i % 7}`, 'effects'], { id: `${sitting}-${i}`, text }),
        [],
      )
      if (i % 10 === 0) await durable
    }
    await log.close()
    commits = await all(log.read())
    await disk.close()
  }
  files = (await readdir(join(pristine, 'store')))
    .filter((name) => /\.(?:ldb|log)$|^MANIFEST|^CURRENT/.test(name))
    .sort()
  const kinds = files.map((name) => name.replace(/^\d+|-\d+$/, ''))
  expect(kinds).toEqual(['.ldb', '.ldb', '.log', 'CURRENT', 'MANIFEST'])
})
afterAll(() => rm(root, { force: true, recursive: true }))

/** A copy that has come to harm, as after a reboot: its run directory is empty. */
async function harmed(
  what: Harm,
  file: string,
): Promise<{ readonly dataDir: string; readonly runDir: string }> {
  const base = await mkdtemp(join(root, 'copy-'))
  const dataDir = join(base, 'data')
  await cp(pristine, dataDir, { recursive: true })
  await harm(join(dataDir, 'store', file), what)
  // Whoever had it died of it: so its tables are looked at too.
  await writeFile(join(dataDir, 'holder'), JSON.stringify({ command: 'gone', pid: 1, role: 'engine' }))
  return { dataDir, runDir: join(base, 'run') }
}

/** Every file and what is in it. */
async function contents(directory: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) found.set(path, (await readFile(path)).toString('latin1'))
  }
  return found
}

type Outcome = {
  readonly damage: EngineError | undefined
  readonly got: readonly Commit[]
  readonly told: boolean
}

async function open(where: { readonly dataDir: string; readonly runDir: string }): Promise<Outcome> {
  const before = await contents(where.dataDir)
  let outcome: Outcome
  try {
    const disk = await openDisk(where)
    const { damage } = disk
    const log = await openOn(await disk.openStore(), { origin: disk.origin })
    const got = await all(log.read())
    outcome = { damage, got, told: (damage ?? log.damage ?? log.opened.cut) !== undefined }
    await log.close()
    await disk.close()
    if (damage === undefined) return outcome
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_LOG_DAMAGED' })
    outcome = { damage: error as EngineError, got: [], told: true }
  }
  expect(await contents(where.dataDir)).toEqual(before)
  const left = await readdir(where.runDir, { recursive: true }).catch(() => [])
  expect(left.filter((name) => name.includes('salvage'))).toEqual([])
  return outcome
}

const named = (kind: string, which = 0): string => files.filter((name) => name.includes(kind))[which] ?? ''

describe('a damaged data directory', () => {
  it.each([
    ['a flipped bit in the write-ahead log', '.log', 0, { at: 0.5, bit: 3, kind: 'flip' }, 400, 600],
    ['a zeroed page of the write-ahead log', '.log', 0, { at: 0.5, bit: 0, kind: 'zero' }, 400, 600],
    ['a write-ahead log that is lost', '.log', 0, { at: 0, bit: 0, kind: 'delete' }, 400, 400],
    ['a flipped bit in the first table', '.ldb', 0, { at: 0.5, bit: 3, kind: 'flip' }, 1, 200],
    ['a flipped bit in the second table', '.ldb', 1, { at: 0.5, bit: 3, kind: 'flip' }, 200, 400],
    ['a zeroed page of the second table', '.ldb', 1, { at: 0.4, bit: 0, kind: 'zero' }, 200, 400],
    ['a second table that was cut off', '.ldb', 1, { at: 0.5, bit: 0, kind: 'cut' }, 200, 400],
    ['a second table that is lost', '.ldb', 1, { at: 0, bit: 0, kind: 'delete' }, 200, 200],
    ['a first table that is lost', '.ldb', 0, { at: 0, bit: 0, kind: 'delete' }, 0, 0],
    ['a CURRENT that is lost', 'CURRENT', 0, { at: 0, bit: 0, kind: 'delete' }, 600, 600],
    ['a CURRENT that is zeroed', 'CURRENT', 0, { at: 0, bit: 0, kind: 'zero' }, 600, 600],
    ['a MANIFEST that is lost', 'MANIFEST', 0, { at: 0, bit: 0, kind: 'delete' }, 600, 600],
    ['a flipped bit in the MANIFEST', 'MANIFEST', 0, { at: 0.3, bit: 2, kind: 'flip' }, 600, 600],
  ] as const)('with %s is read up to it, and named', async (_, kind, which, what, atLeast, atMost) => {
    const file = named(kind, which)
    const { damage, got } = await open(await harmed(what, file))
    expect(damage?.message).toContain(file)
    expect(damage?.details).toMatchObject({ files: [{ file }] })
    expect(got).toEqual(commits.slice(0, got.length))
    expect(got.length).toBeGreaterThanOrEqual(atLeast)
    expect(got.length).toBeLessThanOrEqual(atMost)
    const place = (damage?.details['files'] as readonly { readonly at?: number }[])[0]?.at
    if (what.kind === 'flip') expect(place).toBeTypeOf('number')
  })

  it('gives what was written and says what it lacks, whatever the harm', { timeout: 120_000 }, async () => {
    const seen = new Set<boolean>()
    const property = fc.asyncProperty(harms, fc.nat(), async (what, which) => {
      const file = files[which % files.length] ?? ''
      const { damage, got, told } = await open(await harmed(what, file))
      expect(got).toEqual(commits.slice(0, got.length))
      seen.add(damage !== undefined)
      // A write-ahead log that ends early looks as after a power cut. Only the run directory could know better.
      const looksTorn = file.endsWith('.log') && (what.kind === 'cut' || what.kind === 'zero')
      if (!looksTorn) expect(told || got.length === commits.length).toBe(true)
    })
    await fc.assert(property, { numRuns: 40 })
    expect(seen.has(true)).toBe(true)
  })

  it('of which nothing can be read is refused, and told what to restore', async () => {
    const where = await harmed({ at: 0, bit: 0, kind: 'delete' }, named('.ldb', 0))
    for (const file of files.slice(1)) await rm(join(where.dataDir, 'store', file))
    const { damage } = await open(where)
    expect(damage).toMatchObject({ code: 'ERR_LOG_DAMAGED' })
    expect(damage?.message).toContain(`restore ${where.dataDir}`)
  })

  it('is none for a table that a kill left half made', async () => {
    const where = await harmed({ at: 0, bit: 0, kind: 'cut' }, named('.log'))
    const table = await readFile(join(where.dataDir, 'store', named('.ldb')))
    await writeFile(join(where.dataDir, 'store', '000900.ldb'), table.subarray(0, table.length / 2))
    const { damage, got } = await open(where)
    expect([damage, got.length]).toEqual([undefined, 400])
  })

  it('is the same as ever once its files are restored', async () => {
    const file = named('.log')
    const where = await harmed({ at: 0.5, bit: 3, kind: 'flip' }, file)
    expect((await open(where)).damage).toBeDefined()
    await cp(join(pristine, 'store', file), join(where.dataDir, 'store', file))
    const { damage, got } = await open(where)
    expect([damage, got.length]).toEqual([undefined, commits.length])
  })
})
