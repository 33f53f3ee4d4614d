/** Globals that engine code must not touch: caught while a world runs, whoever else calls them gets what he asked for. */
import crypto, { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { interval, timer } from 'rxjs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createWorld, ForbiddenGlobalError, runSeed, type World } from '../../src/simulator/index.ts'

const HERE = 'forbidden.sim.test.ts'

/** A world in which this very file counts as engine code. */
async function strict(): Promise<{ readonly told: ForbiddenGlobalError[]; readonly world: World }> {
  const world = await createWorld({ forbidGlobals: (file) => file.endsWith(HERE), seed: 'forbidden' })
  const told: ForbiddenGlobalError[] = []
  world.onForbidden = (error) => void told.push(error)
  onTestFinished(() => world.close())
  return { told, world }
}

/** What a call comes to that is made within a step of the world. */
async function within(world: World, call: () => unknown): Promise<unknown> {
  let came: unknown
  world.time.at(1, () => {
    try {
      came = call()
    } catch (error) {
      came = error
    }
  })
  await world.advance(2)
  return came
}

const CALLS: readonly (readonly [name: string, port: string, call: () => unknown])[] = [
  ['Date.now', 'ports.clock.nowMs', () => Date.now()],
  ['new Date()', 'ports.clock.nowMs', () => new Date()],
  ['Date()', 'ports.clock.nowMs', () => Date()],
  ['performance.now', 'ports.clock.monotonicMs', () => performance.now()],
  ['process.hrtime', 'ports.clock.monotonicMs', () => process.hrtime()],
  ['process.hrtime.bigint', 'ports.clock.monotonicMs', () => process.hrtime.bigint()],
  ['Math.random', 'ports.ids', () => Math.random()],
  ['setTimeout', 'ports.timers.scheduler', () => setTimeout(() => undefined, 1)],
  ['setInterval', 'ports.timers.scheduler', () => setInterval(() => undefined, 1)],
  ['setImmediate', 'ports.timers.afterTurn', () => setImmediate(() => undefined)],
  ['crypto.getRandomValues', 'ports.ids', () => globalThis.crypto.getRandomValues(new Uint8Array(1))],
  ['crypto.randomUUID', 'ports.ids', () => globalThis.crypto.randomUUID()],
  ['crypto.randomUUID', 'ports.ids', () => crypto.randomUUID()],
  ['crypto.randomBytes', 'ports.ids', () => randomBytes(1)],
  ['timers/promises.setTimeout', 'ports.timers.scheduler', () => wait(1)],
  // Whoever calls for somebody else is not the one who calls.
  ['setInterval', 'ports.timers.scheduler', () => timer(1).subscribe()],
  ['setInterval', 'ports.timers.scheduler', () => interval(1).subscribe()],
]

describe('a forbidden global', () => {
  it.each(CALLS)('is refused to engine code, with the port to take: %s', async (name, port, call) => {
    const { told, world } = await strict()
    const error = await within(world, call)
    expect(error).toBeInstanceOf(ForbiddenGlobalError)
    // rxjs tells of what it is thrown by a timer of its own, which is refused, too.
    expect(told.at(-1)).toBe(error)
    expect(told[0]?.global).toBe(name)
    expect(told[0]?.port).toContain(port)
    expect(told[0]?.message).toMatch(
      /^chronet defect: .* is called at test\/simulator\/forbidden.* take ports\./,
    )
  })

  it('is there for everybody else', async () => {
    const world = await createWorld({ forbidGlobals: true, seed: 'mine' })
    onTestFinished(() => world.close())
    const before = Date.now()
    expect(await within(world, () => Date.now())).toBeGreaterThanOrEqual(before)
    expect(await within(world, () => new Date())).toBeInstanceOf(Date)
    expect(await within(world, () => new Date(7).getTime())).toBe(7)
    expect(await within(world, () => randomBytes(3).length)).toBe(3)
    expect(await within(world, () => performance.now())).toBeGreaterThan(0)
  })

  it('lets engine code do arithmetic of dates', async () => {
    const { told, world } = await strict()
    expect(await within(world, () => new Date(7).getTime())).toBe(7)
    expect(await within(world, () => Date.UTC(1970, 0, 1))).toBe(0)
    expect(told).toEqual([])
  })

  it('is none while no world runs, and the globals are the same as ever', async () => {
    const all = (): unknown[] => [
      Date,
      Date.now,
      Math.random,
      Reflect.get(performance, 'now'),
      setTimeout,
      setInterval,
      setImmediate,
      process.hrtime,
      Reflect.get(globalThis.crypto, 'randomUUID'),
    ]
    const before = all()
    const { told, world } = await strict()
    await world.advance(1000)
    expect(all().map((each, nth) => each === before[nth])).not.toContain(false)
    expect(Date.now()).toBeGreaterThan(0)
    expect(randomBytes(1)).toHaveLength(1)
    expect(told).toEqual([])
  })

  it('stands beside the fake timers of a test runner', async () => {
    const { world } = await strict()
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const [date, later] = [Date, setTimeout]
    await world.advance(1000)
    expect([Date, setTimeout]).toEqual([date, later])
    vi.setSystemTime(5)
    expect(Date.now()).toBe(5)
  })

  it('is not looked for unless asked', async () => {
    const world = await createWorld({ seed: 'free' })
    const [date, now] = [Date, Date.now]
    expect(await within(world, () => Date === date && Date.now === now)).toBe(true)
    await world.close()
  })

  it('is told of every world that runs, and ends its seed as D2', async () => {
    const file = /forbidden\.sim\.test\.ts$/
    const { failure } = await runSeed({
      faults: [],
      forbidGlobals: (each) => file.test(each),
      minutes: 1,
      prepare: ({ time }) => {
        time.at(500, () => {
          try {
            Date.now()
          } catch {
            // Swallowed, as an engine might.
          }
        })
      },
      seed: 'breach',
    })
    expect(failure?.id).toBe('D2')
    expect(failure?.why).toContain('Date.now is called at test/simulator/forbidden.sim.test.ts')
  })
})
