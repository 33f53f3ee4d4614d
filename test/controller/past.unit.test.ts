/** Looks at the past, which start at a snapshot and read no more than they need, see what folding everything shows. Over the golden log. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { AnyFact, Commit, Log, Origin, Seq, Snapshots, Store } from '../../events/index.ts'
import { openLog } from '../../events/index.ts'
import { keys } from '../../events/store.ts'
import { tablesOf, type Topology } from '../../projections/index.ts'
import { entityAsOf, topologyAsOf } from '../../src/controller/past.ts'
import { viewAsOf } from '../../src/controller/view-as-of.ts'
import { snapshotsOf, tablesOfView } from '../../src/engine/snapshots.ts'
import { emptyView, ViewFold } from '../../src/engine/view.ts'
import { all, tempStore } from '../events/support.ts'
import { readGolden, sha256 } from '../golden/golden.ts'

const { commits, lines } = readGolden()
const afterTurn = (run: () => void): void => void setImmediate(run)
/** By number of commit: what users saw after it. */
let truth: readonly Topology[] = []

beforeAll(() => {
  const fold = new ViewFold()
  truth = [emptyView.projections.topology]
  for (const commit of commits) {
    fold.add([commit])
    truth = [...truth, fold.view().projections.topology]
  }
})

/** The golden log in a store, with snapshots as of these commits. */
async function scene(
  saved: readonly number[],
): Promise<{ readonly log: Log<AnyFact>; readonly snapshots: Snapshots; readonly store: Store }> {
  const store = await tempStore()
  const batch = store.batch()
  lines.forEach((line, i) => void batch.put(keys.commit(i + 1), sha256(line) + line))
  await batch.write()
  const origin = commits[0]?.origin as Origin
  const log = await openLog<AnyFact>({ afterTurn, hash: sha256, origin, store })
  const snapshots = snapshotsOf(store, sha256, { afterTurn })
  for (const seq of saved) {
    const view = await viewAsOf(log, snapshots, { seq: seq as Seq })
    const { at } = commits[seq - 1] as Commit
    await snapshots.save({ at, hash: sha256(lines[seq - 1] ?? ''), seq: seq as Seq }, tablesOfView(view, []))
  }
  return { log, snapshots, store }
}

const plain = (topology: Topology): unknown =>
  [...tablesOf({ ...emptyView.projections, topology })]
    .filter(([name]) => name.startsWith('topology.'))
    .map(([name, rows]) => [name, [...rows].map((row) => JSON.stringify(row)).sort()])

describe.each([[[]], [[30]], [[10, 40, 41, 80]]])('as of, with snapshots %j', (saved) => {
  it('any commit, all is as folding everything shows', async () => {
    const { log, snapshots } = await scene(saved)
    for (const [seq, expected] of truth.entries()) {
      const past = await topologyAsOf(log, snapshots, { seq: seq as Seq })
      expect(plain(past.topology), `#${seq}`).toEqual(plain(expected))
      expect([past.seq, past.at]).toEqual([seq, commits[seq - 1]?.at])
    }
  })

  it('any time, that is all up to it', async () => {
    const { log, snapshots } = await scene(saved)
    for (const { at } of commits) {
      const seq = commits.findLast((commit) => commit.at <= at)?.seq ?? 0
      const past = await topologyAsOf(log, snapshots, { at })
      expect(past.seq).toBe(seq)
      expect(plain(past.topology), at).toEqual(plain(truth[seq] as Topology))
    }
  })

  it('any commit, one thing is as it is among all', async () => {
    const { log, snapshots } = await scene(saved)
    const ids = new Set(
      truth.flatMap((t) => [...t.networks.keys(), ...t.sandboxes.keys(), ...t.endpoints.keys()]),
    )
    expect(ids.size).toBeGreaterThan(5)
    for (const [seq, { endpoints, networks, sandboxes }] of [...truth.entries()].filter(([n]) => n % 4 === 0))
      for (const id of ids) {
        const expected = [endpoints, networks, sandboxes].map((table): unknown => table.get(id)).find(Boolean)
        expect(await entityAsOf(log, snapshots, { seq: seq as Seq }, id), `${id} as of #${seq}`).toEqual(
          expected,
        )
      }
  })
})

describe('commits that have a text', () => {
  it('are found among others, which are verified though they are not parsed', async () => {
    const { log, store } = await scene([])
    const [having = ''] = [...(truth.at(-1)?.networks.keys() ?? [])]
    const found: number[] = []
    for await (const { seq } of log.read({ having })) found.push(seq)
    expect(found).toEqual(commits.flatMap(({ seq }, i) => (lines[i]?.includes(having) ? [seq] : [])))
    const other = commits.findLast(({ seq }) => !found.includes(seq))?.seq ?? 0
    for (const harmed of [
      `${sha256('{}')}{}`,
      lines[other - 1] ?? '',
      `${sha256(lines[0] ?? '')}${lines[0]}`,
    ]) {
      await store.put(keys.commit(other), harmed)
      await expect(all(log.read({ having }))).rejects.toMatchObject({ details: { from: other } })
    }
  })
})
