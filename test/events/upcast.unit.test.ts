/** Old versions of facts, read as of today: what is folded is new, what is stored and hashed stays. */
import { describe, expect, it } from 'vitest'
import type { Commit, Fact } from '../../events/index.ts'
import { encodeCommit, FACT_VERSIONS, UPCASTERS, upcastBy } from '../../events/index.ts'
import { keys } from '../../events/store.ts'
import { all, draft, openOn, tempStore } from './support.ts'

/** The third version counts `times`, as the first and the second counted `by`, and says of what. */
const upcast = upcastBy({
  Counted: [
    (data) => ({ ...data, of: 'things' }),
    (data) => {
      const { by, ...rest } = data as { readonly by: number }
      return { ...rest, times: by }
    },
  ],
})
const dataOf = (commits: readonly Commit[]): readonly object[] =>
  commits.flatMap(({ facts }) => facts.map(({ data }) => data))
const fact = (v: number, data: object): Fact => ({ data, stream: 'host', type: 'Counted', v, version: 1 })

async function oldLog() {
  const store = await tempStore()
  const log = await openOn(store)
  for (let i = 0; i < 3; i++) log.append(draft(['effects', 'host']), [])
  await log.close()
  return { before: await all(log.read()), head: log.durable.hash, store }
}

describe('an old log', () => {
  it('is folded as if it had been written today, wherever it is read', async () => {
    const { before, store } = await oldLog()
    const replayed: Commit[] = []
    const replay = {
      chunk: (commits: readonly Commit[]) => void replayed.push(...commits),
      restart: () => undefined,
    }
    const log = await openOn(store, { replay, upcast })
    const outcome = await log.outcomeOf(before[0]?.command.id as Commit['command']['id'])
    for (const read of [
      replayed,
      await all(log.read()),
      (await all(log.readRaw())).flat().map((raw) => raw.commit),
    ])
      for (const data of dataOf(read)) expect(data).toEqual({ of: 'things', pad: '', times: 1 })
    expect(outcome?.facts.map(({ v }) => v)).toEqual([3, 3])
    expect(replayed.flatMap(({ facts }) => facts.map(({ version }) => version))).toEqual(
      before.flatMap(({ facts }) => facts.map(({ version }) => version)),
    )
  })

  it('keeps its bytes and its hashes, and verifies as before', async () => {
    const { before, head, store } = await oldLog()
    const bytes = await store.values().all()
    const log = await openOn(store, { upcast })
    expect(await log.verify()).toBeUndefined()
    expect(await all(log.scrub())).toEqual([{ repaired: 0, verified: before.length }])
    expect(log.durable.hash).toBe(head)
    const bodies = (await all(log.readRaw())).flat().map(({ body }) => JSON.parse(body) as Commit)
    expect(bodies).toEqual(before)
    expect(await store.values().all()).toEqual(bytes)
  })
})

describe('an export of an old log', () => {
  it('is byte for byte what is stored, while whoever folds reads it as of today', async () => {
    const { store } = await oldLog()
    const rows = await store.iterator(keys.commits(1)).all()
    const log = await openOn(store, { upcast })
    const stored = await all(log.read({ stored: true }))
    expect(stored.map((commit) => encodeCommit(commit))).toEqual(rows.map(([, value]) => value.slice(64)))
    expect(dataOf(await all(log.read()))).not.toEqual(dataOf(stored))
  })
})

describe('upcasters', () => {
  it('begin with the version that was stored', () => {
    const { facts } = upcast({
      facts: [fact(2, { by: 2, of: 'men' }), fact(3, { of: 'men', times: 4 })],
    } as never)
    expect(facts.map(({ data, v }) => [data, v])).toEqual([
      [{ of: 'men', times: 2 }, 3],
      [{ of: 'men', times: 4 }, 3],
    ])
  })

  it('have a step to each version of each type of fact', () => {
    const steps = Object.entries(FACT_VERSIONS).filter(([, v]) => v > 1)
    expect(steps.map(([type, v]) => [type, (UPCASTERS[type]?.length ?? 0) + 1 - v])).toEqual([
      ['ClaimGranted', 0],
    ])
    expect(Object.keys(UPCASTERS)).toEqual(steps.map(([type]) => type))
  })

  it('leave a commit of today the same object, and change none that they are given', () => {
    const today = { facts: [fact(3, {})] } as unknown as Commit
    const old = Object.freeze({
      facts: Object.freeze([Object.freeze(fact(1, Object.freeze({ by: 1 })))]),
    }) as unknown as Commit
    expect(upcast(today)).toBe(today)
    expect(upcast(old).facts[0]?.v).toBe(3)
    expect(upcastBy(UPCASTERS)(old)).toBe(old)
  })
})
