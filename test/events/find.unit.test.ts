/** Looking through a log as text: what fits, in order, and nothing else. */
import { describe, expect, it } from 'vitest'
import type { Log, Seq, Store } from '../../events/index.ts'
import { draft, openOn, tempStore } from './support.ts'

async function logOf(...texts: readonly string[]): Promise<{ readonly log: Log; readonly store: Store }> {
  const store = await tempStore()
  const log = await openOn(store)
  for (const text of texts) log.append(draft(['host'], { text }), [])
  await log.flush()
  return { log, store }
}

async function found(log: Log, fits: (text: string) => boolean, from?: number, to?: number): Promise<Seq[]> {
  const seqs: Seq[] = []
  for await (const seq of log.find(fits, { from: from as Seq, to: to as Seq })) seqs.push(seq)
  return seqs
}

describe('find', () => {
  it('gives the numbers of commits whose text fits, rising, within a range', async () => {
    const { log } = await logOf('one', 'two', 'one', 'three', 'one')
    const one = (text: string): boolean => text.includes('"one"')
    expect(await found(log, one)).toEqual([1, 3, 5])
    expect(await found(log, one, 2, 4)).toEqual([3])
    expect(await found(log, one, 4, 99)).toEqual([5])
    expect(await found(log, one, 6)).toEqual([])
    expect(await found(log, () => false)).toEqual([])
  })

  it('asks of each text when its turn comes, so that what was found may change what fits', async () => {
    const { log } = await logOf('a', 'b', 'a', 'c', 'b')
    let wanted = '"a"'
    const seqs: Seq[] = []
    for await (const seq of log.find((text) => text.includes(wanted))) {
      seqs.push(seq)
      wanted = '"b"'
    }
    expect(seqs).toEqual([1, 2, 5])
  })

  it('looks at what is durable only', async () => {
    const { log } = await logOf('a')
    const { durable } = log.append(draft(['host'], { text: 'a' }), [])
    expect(await found(log, () => true)).toEqual([1])
    await durable
    expect(await found(log, () => true)).toEqual([1, 2])
  })

  it('tells of a store that cannot read it, and from then on nothing is written', async () => {
    const { log, store } = await logOf('a', 'b')
    const iterator = store.iterator.bind(store)
    store.iterator = ((options: never) => {
      const real = iterator(options)
      real.nextv = () => Promise.reject(Object.assign(new Error('bad block'), { code: 'LEVEL_CORRUPTION' }))
      return real
    }) as typeof store.iterator
    await expect(found(log, () => true)).rejects.toMatchObject({ code: 'ERR_LOG_DAMAGED' })
    expect(log.damage).toMatchObject({ from: 1 })
    expect(() => log.append(draft(['host']), [])).toThrow(/damaged/)
  })
})
