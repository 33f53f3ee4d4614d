/**
 * The golden log: a log as it was first written, with every type of fact. It must be readable for ever, and mean the same. When
 * a fact's shape changes, the old log stays and an upcaster makes it readable; see docs/log.md.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodeCommit, encodeCommit, openLog, type Origin } from '../../events/index.ts'
import { keys } from '../../events/store.ts'
import { tempStore } from '../events/support.ts'
import { DIGESTS, digestsOf, readGolden, sha256 } from './golden.ts'
import { goldenLog } from './story.ts'

/** All types of facts: of each there is at least one. */
const TYPES = [
  ...['ClockSteppedBack', 'Contention', 'DriftObserved', 'EffectsIntended', 'EffectsSettled', 'HostStarted', 'OrphansRemoved'],
  ...['JoinFailed', 'JoinRequested', 'Joined', 'LeaveFailed', 'LeaveRequested', 'Left'].map((end) => `Endpoint${end}`),
  ...['ReleaseRequested', 'Released', 'Reserved'].map((end) => `Endpoint${end}`),
  ...['Network', 'Sandbox'].flatMap((kind) =>
    ['CreateFailed', 'CreateRequested', 'Created', 'DeleteFailed', 'DeleteRequested', 'Deleted'].map((end) => kind + end),
  ),
  ...['SandboxInterfaceAdded', 'SandboxInterfaceRemoved'],
].sort()

describe('the golden log', () => {
  it('has every type of fact', () => {
    const found = new Set(readGolden().commits.flatMap(({ facts }) => facts.map(({ type }) => type as string)))
    expect([...found].sort()).toEqual(TYPES)
  })

  it('is read by its bytes, and is whole', async () => {
    const { commits, lines } = readGolden()
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
    expect(digestsOf(readGolden().commits)).toEqual(JSON.parse(readFileSync(DIGESTS, 'utf8')))
  })

  // Until 0.1 is released: then this one goes, and the log stays as it is.
  it('is what its run writes today', async () => {
    expect(await goldenLog()).toEqual(readGolden().lines)
  })

  it('is canonical: its lines are what would be written of its commits', () => {
    const { lines } = readGolden()
    expect(lines.map((line) => encodeCommit(decodeCommit(line)))).toEqual(lines)
  })
})
