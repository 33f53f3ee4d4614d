/** What the engine takes and keeps is bounded, and whoever meets a bound is told by its code. On the simulated machine. */
import { describe, expect, it } from 'vitest'
import { LOG_LIMITS } from '../../events/log.ts'
import { EngineError, type LoggedFact } from '../../src/index.ts'
import { WAITING_MAX, WORK_AT_ONCE, WORK_OF_A_PLAN } from '../../src/engine/pace.ts'
import { DATA_DIR, Lab } from '../engine/lab.ts'

const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

async function withNetwork() {
  const lab = new Lab()
  const controller = await lab.open()
  await lab.do(controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.8.0.0/16' } }))
  await lab.ports.time.runFor(50)
  return { controller, lab }
}

describe('a subscriber that does not read', () => {
  it('is dropped when it has left more than its buffer takes, told where to go on, and misses nothing from there', async () => {
    const { controller, lab } = await withNetwork()
    const facts = controller.facts({ buffer: 8 })[Symbol.asyncIterator]()
    const first = facts.next()
    await lab.do(controller.newEndpoint('web', 'e0'))
    expect((await lab.do(first)).value).toMatchObject({ data: { name: 'e0' } })

    for (let i = 1; i <= 10; i++) await lab.do(controller.newEndpoint('web', `e${i}`))
    const error = await lab.do(caught(facts.next()))
    expect(error).toBeInstanceOf(EngineError)
    expect(error).toMatchObject({
      code: 'ERR_SUBSCRIBER_SLOW',
      details: { from: expect.any(Number) as number },
    })
    expect(await lab.do(facts.next())).toMatchObject({ done: true })

    const names: unknown[] = []
    const { from } = (error as EngineError).details as { readonly from: number }
    const again = controller.facts({ from, types: ['EndpointReserved'] })
    const follow = async (): Promise<void> => {
      for await (const { data } of again) if (names.push(data.name) === 10) return
    }
    await lab.do(follow())
    expect(names).toEqual(['e1', 'e2', 'e3', 'e4', 'e5', 'e6', 'e7', 'e8', 'e9', 'e10'])
  })

  it('hears it as the error of its Observable, and harms no other', async () => {
    const { controller, lab } = await withNetwork()
    const seen: LoggedFact[] = []
    const quick = controller
      .facts({ buffer: 8 })
      .asObservable()
      .subscribe((fact) => seen.push(fact))
    const stuck = controller.facts({ buffer: 8 })[Symbol.asyncIterator]()
    const first = stuck.next()
    for (let i = 0; i < 20; i++) await lab.do(controller.newEndpoint('web', `e${i}`))
    await lab.do(first)
    expect(await lab.do(caught(stuck.next()))).toMatchObject({ code: 'ERR_SUBSCRIBER_SLOW' })
    expect(seen).toHaveLength(20)
    quick.unsubscribe()
  })

  it('costs nothing before it begins', async () => {
    const { controller, lab } = await withNetwork()
    const facts = controller.facts({ buffer: 1 })[Symbol.asyncIterator]()
    for (let i = 0; i < 5; i++) await lab.do(controller.newEndpoint('web', `e${i}`))
    expect((await lab.do(facts.next())).value).toMatchObject({ data: { name: 'e0' } })
    await facts.return?.()
  })
})

describe('a subscriber that asks from beyond the head', () => {
  it('is told where the head is, and one that asks for the next commit gets it', async () => {
    const { controller, lab } = await withNetwork()
    const head = controller.queries.seq
    const behind = { code: 'ERR_LOG_BEHIND', details: { from: head + 2, head } }
    const beyond = controller.facts({ from: head + 2 })
    expect(await lab.do(caught(beyond[Symbol.asyncIterator]().next()))).toMatchObject(behind)
    const named = controller.facts({ consumer: 'book', from: head + 2 })
    expect(await lab.do(caught(named[Symbol.asyncIterator]().next()))).toMatchObject(behind)
    const heard = new Promise((resolve) => void beyond.asObservable().subscribe({ error: resolve }))
    expect(await lab.do(heard)).toMatchObject(behind)

    const next = controller.facts({ from: head + 1 })[Symbol.asyncIterator]()
    const first = next.next()
    await lab.do(controller.newEndpoint('web', 'e0'))
    expect((await lab.do(first)).value).toMatchObject({ seq: head + 1 })
  })
})

describe('a subscriber that reads', () => {
  it('stays, however many commits are written in one go', async () => {
    const { controller, lab } = await withNetwork()
    lab.ports.disks.platter(DATA_DIR).syncMs = 50
    const names: unknown[] = []
    const reading = controller
      .facts({ buffer: 2, types: ['EndpointReserved'] })
      .asObservable()
      .subscribe(({ data }) => names.push(data.name))
    await lab.ports.time.runFor(1)
    await lab.all(Array.from({ length: 40 }, (_, i) => controller.newEndpoint('web', `e${i}`)))
    await lab.ports.time.runFor(1)
    reading.unsubscribe()
    expect(names).toEqual(Array.from({ length: 40 }, (_, i) => `e${i}`))
  })
})

describe('more commands than may wait', () => {
  it('are refused with ERR_BACKPRESSURE, wrote nothing, and may be given again', async () => {
    const { controller, lab } = await withNetwork()
    const count = WORK_AT_ONCE + WAITING_MAX + 100
    const give = (i: number): Promise<unknown> =>
      controller.dispatch({ data: { name: `e${i}`, network: 'web' }, type: 'endpoint.create' })
    const outcomes = await lab.all(Array.from({ length: count }, (_, i) => give(i)))
    const refused = outcomes.flatMap((one, i) =>
      one.status === 'rejected' ? [{ error: one.reason as unknown, i }] : [],
    )
    expect(refused).toHaveLength(100)
    expect(codesOf(outcomes)).toEqual(['ERR_BACKPRESSURE'])
    expect(controller.queries.endpoints()).toHaveLength(count - 100)
    const again = await lab.all(refused.map(({ i }) => give(i)))
    expect(codesOf(again)).toEqual([])
    expect(controller.queries.endpoints()).toHaveLength(count)
  }, 90_000)

  it('are refused as well where a slow disk is what they wait for, and every one that was taken gets its receipt', async () => {
    const { controller, lab } = await withNetwork()
    lab.ports.disks.platter(DATA_DIR).syncMs = 5000
    const count = LOG_LIMITS.queueCommits + 10
    const work: Promise<unknown>[] = []
    for (let i = 0; i < count; i++) {
      const one = controller.newSandbox(`s${i}`)
      one.catch(() => undefined) // It is heard below.
      work.push(one)
      // One by one, so that none waits for its turn: what is full is the log.
      if (i % (WORK_AT_ONCE / WORK_OF_A_PLAN) === 0) await lab.ports.time.runFor(0)
    }
    const outcomes = await lab.all(work)
    const taken = outcomes.filter(({ status }) => status === 'fulfilled').length
    expect(codesOf(outcomes)).toEqual(['ERR_BACKPRESSURE'])
    const sandboxes = controller.queries.sandboxes()
    expect(sandboxes).toHaveLength(taken)
    expect(new Set(sandboxes.map(({ state }) => state))).toEqual(new Set(['created']))
  }, 90_000)
})

/** The codes with which some were refused. */
const codesOf = (outcomes: readonly PromiseSettledResult<unknown>[]): unknown[] => [
  ...new Set(
    outcomes.flatMap((one) => (one.status === 'rejected' ? [(one.reason as EngineError).code] : [])),
  ),
]
