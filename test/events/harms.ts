/** A log of five commits in a store of its own, and what can happen to the row of the third. */
import { encodeCommit } from '../../events/index.ts'
import type { Commit, Origin, Seq, Store, Stream } from '../../events/index.ts'
import { seal } from '../../events/chain.ts'
import { keys } from '../../events/store.ts'
import { draft, openOn, sha256, tempStore } from './support.ts'

export const stream = 'endpoint/a' as Stream
export const seq = (n: number): Seq => n as Seq

/** A store with five commits, `command-of-1` to `command-of-5`. */
export async function five(): Promise<Store> {
  const store = await tempStore()
  const log = await openOn(store)
  for (let n = 1; n <= 5; n++) log.append(draft([stream], { id: `command-of-${n}` }), [])
  await log.close()
  return store
}

export const rowOf = async (store: Store, n: number): Promise<string> =>
  (await store.get(keys.commit(n))) ?? ''

/** Puts another commit in the third one's place, with its right hash. */
export async function replaceThird(store: Store, over: Partial<Commit>): Promise<void> {
  const commit = JSON.parse((await rowOf(store, 3)).slice(64)) as Commit
  await store.put(keys.commit(3), seal(sha256, encodeCommit({ ...commit, ...over })))
}

type Harm = readonly [what: string, harm: (store: Store) => Promise<unknown>, why: string]

export const HARMS: readonly Harm[] = [
  ['is gone', (store) => store.del(keys.commit(3)), '#4 stands in its place'],
  [
    'has another byte',
    async (store) => store.put(keys.commit(3), (await rowOf(store, 3)).replace('"count"', '"Count"')),
    'its bytes have another hash',
  ],
  [
    'is the copy of another',
    async (store) => store.put(keys.commit(3), await rowOf(store, 4)),
    'it says #4 of itself',
  ],
  [
    "is another log's",
    (store) => replaceThird(store, { origin: sha256('another') as Origin }),
    `it is of origin ${sha256('another')}`,
  ],
  [
    'follows another',
    (store) => replaceThird(store, { prev: sha256('another') }),
    'it names another predecessor',
  ],
  ['is no commit', (store) => store.put(keys.commit(3), seal(sha256, '{"facts":[]}')), 'it is no commit'],
  [
    'has a fact that is not the next of its stream',
    async (store) => {
      const { facts } = JSON.parse((await rowOf(store, 3)).slice(64)) as Commit
      await replaceThird(store, { facts: facts.map((fact) => ({ ...fact, version: 7 })) })
    },
    `a fact of ${stream} has version 7 after 2`,
  ],
]
