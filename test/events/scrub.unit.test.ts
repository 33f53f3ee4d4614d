/** Reading that passes over what nobody wants to see, and the scrubber: both verify all that they pass. */
import { describe, expect, it } from 'vitest'
import type { CommandId } from '../../events/index.ts'
import { keys } from '../../events/store.ts'
import { five, HARMS, seq, stream } from './harms.ts'
import { all, draft, openOn, seqs } from './support.ts'

describe('reading what has a text in it', () => {
  it('gives those commits alone', async () => {
    const log = await openOn(await five())
    expect(seqs(await all(log.read({ having: 'command-of-4' })))).toEqual([4])
    expect((await all(log.readRaw({ having: 'nobody' }))).flat()).toEqual([])
  })

  it.each([
    ['is gone', 'another stands in its place'],
    ['has another byte', 'its bytes have another hash'],
    ['follows another', 'it names another predecessor'],
  ])('verifies the others all the same: one that %s', async (what, why) => {
    const store = await five()
    const log = await openOn(store)
    await HARMS.find(([name]) => name === what)?.[1](store)
    await expect(all(log.read({ having: 'command-of-5' }))).rejects.toMatchObject({
      details: { from: 3, why },
    })
  })

  it('takes up the chain behind what it passed over', async () => {
    const log = await openOn(await five())
    expect(seqs(await all(log.read({ from: seq(2), having: 'command-of-', to: seq(4) })))).toEqual([2, 3, 4])
    expect(seqs(await all(log.read({ having: 'command-of-5' })))).toEqual([5])
  })
})

describe('the scrubber', () => {
  it('writes anew what finds a command again, where that is gone or wrong', async () => {
    const store = await five()
    const log = await openOn(store)
    await log.append(draft([stream], { actor: { kind: 'engine' }, id: 'own' }), []).durable
    await log.append(draft([stream], { actor: { kind: 'worker' }, id: "worker's" }), []).durable
    const [gone, wrong] = ['command-of-1', 'command-of-4'].map((id) => keys.command(id as CommandId))
    await store.del(gone ?? '')
    await store.put(wrong ?? '', '2')
    expect(await all(log.scrub({ chunk: 3 }))).toEqual([
      { repaired: 1, verified: 3 },
      { repaired: 1, verified: 6 },
      { repaired: 0, verified: 7 },
    ])
    expect(await store.getMany([gone ?? '', wrong ?? ''])).toEqual(['1', '4'])
    expect(await store.getMany(['own', "worker's"].map((id) => keys.command(id as CommandId)))).toEqual([
      undefined,
      undefined,
    ])
    expect(await all(log.scrub())).toEqual([{ repaired: 0, verified: 7 }])
  })

  it('goes through a part if that is asked, and through nothing of what is not there', async () => {
    const log = await openOn(await five())
    expect(await all(log.scrub({ from: seq(2), to: seq(3) }))).toEqual([{ repaired: 0, verified: 3 }])
    expect(await all(log.scrub({ from: seq(5) }))).toEqual([{ repaired: 0, verified: 5 }])
    expect(await all(log.scrub({ from: seq(6) }))).toEqual([])
    expect(await all(log.scrub({ to: seq(99) }))).toEqual([{ repaired: 0, verified: 5 }])
  })
})
