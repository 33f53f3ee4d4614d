/** What `export` writes is what is stored, whatever this version makes of it when it reads. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { AnyFact, Log, Seq } from '../../events/index.ts'
import { upcastBy } from '../../events/index.ts'
import { keys } from '../../events/store.ts'
import { withOthers } from '../../src/operations/operations.ts'
import { openReader } from '../../src/operations/reader.ts'
import { draft, openOn, scratch, sha256, tempStore } from '../events/support.ts'
import { say } from './lab.ts'

const none = (): Promise<never> => Promise.reject(new Error('there is no log in that place'))

it('an export has the stored bytes of facts that an upcaster reads otherwise', async () => {
  const store = await tempStore()
  const before = await openOn(store)
  for (let i = 0; i < 3; i++) before.append(draft(['host', 'effects']), [])
  await before.close()
  const upcast = upcastBy({ Counted: [(data) => ({ ...data, of: 'things' })] })
  const log = (await openOn(store, { upcast })) as unknown as Log<AnyFact>

  const place = { dataDir: join(await scratch(), 'nothing'), runDir: '/nowhere' }
  const ports = { afterTurn: setImmediate, hash: sha256, later: none, nowMs: Date.now }
  const empty = await openReader(place, { ...ports, openDisk: none, openKernel: none })
  const operations = withOthers(empty, {
    commits: ({ from, stored, to } = {}) =>
      log.read({ from: from as Seq | undefined, stored, to: to as Seq | undefined }),
  })
  const { out } = await say('export', () => Promise.resolve(operations))
  const bodies = (await store.values(keys.commits(1)).all()).map((value) => value.slice(64))
  expect(out).toBe(`${bodies.join('\n')}\n`)
})
