/** One flipped bit of a real write-ahead log is found before LevelDB drops what it stands in; a torn end is none. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultOf } from '../../src/storage/journals.ts'
import { openLevel } from '../../src/storage/level.ts'

let path: string
let journal: Buffer

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'chronet-journal-'))
  const store = await openLevel(path, true)
  for (let i = 0; i < 300; i++)
    await store
      .batch()
      .put(`key ${i}`, `value ${'x'.repeat(i * 7)}`)
      .write({ sync: true })
  await store.close()
  const name = (await readdir(path)).find((file) => file.endsWith('.log')) ?? ''
  journal = await readFile(join(path, name))
})

afterAll(() => rm(path, { force: true, recursive: true }))

describe('a write-ahead log', () => {
  it('is sound as LevelDB wrote it, over several blocks', () => {
    expect(journal.length).toBeGreaterThan(3 * 32_768)
    expect(faultOf(journal)).toBeUndefined()
    expect(faultOf(Buffer.alloc(0))).toBeUndefined()
  })

  it('is damaged by any flipped bit', () => {
    fc.assert(
      fc.property(fc.nat(journal.length - 1), fc.nat(7), (at, bit) => {
        const harmed = Buffer.from(journal)
        harmed[at] = (harmed[at] ?? 0) ^ (1 << bit)
        return isFiller(at) || faultOf(harmed) !== undefined
      }),
      { numRuns: 150 },
    )
  })

  it('is not damaged by an end that was never written', () => {
    fc.assert(
      fc.property(fc.nat(journal.length - 1), (length) => faultOf(journal.subarray(0, length)) === undefined),
      { numRuns: 60 },
    )
  })
})

/** The zeros at a block's end that are too short for a header belong to no record. */
const isFiller = (at: number): boolean => {
  const rest = 32_768 - (at % 32_768)
  return rest < 7 && journal.subarray(at - (at % 32_768) + 32_768 - 6, at + rest).every((byte) => byte === 0)
}
