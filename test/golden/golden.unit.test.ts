/**
 * The golden logs: logs as they were first written, which together hold every type of fact in every version. They must be readable for
 * ever, and mean the same. When a fact's shape changes, the old logs stay and an upcaster makes them readable; see docs/log.md.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodeCommit, encodeCommit, openLog, type Origin } from '../../events/index.ts'
import { FACT_VERSIONS } from '../../events/facts.ts'
import { keys } from '../../events/store.ts'
import { tempStore } from '../events/support.ts'
import { clusterLog } from './cluster-story.ts'
import { digestsOf, digestsPathOf, GOLDEN, readGolden, sha256 } from './golden.ts'
import { goldenLog } from './story.ts'

/** `ClaimGranted v1`, `ClaimGranted v2`: each type in each version that the catalogue knows. */
const KNOWN = Object.entries(FACT_VERSIONS)
  .flatMap(([type, newest]) => Array.from({ length: newest }, (_, i) => `${type} v${i + 1}`))
  .sort()

describe('the golden logs', () => {
  it('hold every type of fact in every version', () => {
    const stored = GOLDEN.flatMap((golden) => readGolden(golden).lines).flatMap((line) => decodeCommit(line).facts)
    expect([...new Set(stored.map(({ type, v }) => `${type} v${v}`))].sort()).toEqual(KNOWN)
  })

  // Until 0.1 is released: then these go, and the logs stay as they are.
  it('are what their runs write today', async () => {
    expect(await goldenLog()).toEqual(readGolden('log-v1').lines)
    expect(await clusterLog()).toEqual(readGolden('cluster-v1').lines)
  })
})

describe.each(GOLDEN)('the golden log %s', (golden) => {
  const { commits, lines } = readGolden(golden)

  it('is read by its bytes, and is whole', async () => {
    const store = await tempStore()
    for (const [i, line] of lines.entries()) await store.put(keys.commit(i + 1), sha256(line) + line)
    const [first] = commits
    const log = await openLog({ afterTurn: setImmediate, hash: sha256, origin: first?.origin as Origin, store })
    expect(log.damage).toBeUndefined()
    expect(await log.verify()).toBeUndefined()
    expect(log.durable).toMatchObject({ hash: sha256(lines.at(-1) ?? ''), seq: lines.length })
    await log.close()
  })

  it('means what it meant', () => {
    expect(digestsOf(commits)).toEqual(JSON.parse(readFileSync(digestsPathOf(golden), 'utf8')))
  })

  it('is canonical: its lines are what would be written of its commits', () => {
    expect(lines.map((line) => encodeCommit(decodeCommit(line)))).toEqual(lines)
  })
})
