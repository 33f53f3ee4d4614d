/** A crowd does not hold the loop: some at a time, first come, first served. */
import { expect, it } from 'vitest'
import { Pace, WORK_AT_ONCE, WORK_OF_A_PLAN } from '../../src/engine/pace.ts'

/** A pace whose loop turns when it is told to. */
function paced() {
  let later: (() => void)[] = []
  const entered: number[] = []
  const pace = new Pace({ afterTurn: (run) => void later.push(run) })
  return {
    ask: (n: number, tookLong = false): void => {
      const take = (): void => {
        entered.push(n)
        if (tookLong) pace.tookLong()
      }
      const room = pace.enter()
      if (room) void room.then(take)
      else take()
    },
    entered,
    idle: () => later.length === 0,
    turn: async (): Promise<void> => {
      const due = later
      later = []
      for (const run of due) run()
      // One after the other, each in a microtask of its own.
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

it('lets some in at once, and the others in order, turn by turn', async () => {
  const { ask, entered, turn } = paced()
  const crowd = Array.from({ length: 2 * WORK_AT_ONCE + 3 }, (_, n) => n)
  for (const n of crowd) ask(n)
  expect(entered).toEqual(crowd.slice(0, WORK_AT_ONCE))
  await turn()
  expect(entered).toEqual(crowd.slice(0, 2 * WORK_AT_ONCE))
  await turn()
  expect(entered).toEqual(crowd)
})

it('lets nobody overtake those who wait', async () => {
  const { ask, entered, turn } = paced()
  for (let n = 0; n < WORK_AT_ONCE + 2; n++) ask(n)
  await turn()
  for (let n = WORK_AT_ONCE + 2; n < 3 * WORK_AT_ONCE; n++) ask(n)
  await turn()
  await turn()
  expect(entered).toEqual([...entered].sort((a, b) => a - b))
  expect(entered.length).toBe(3 * WORK_AT_ONCE)
})

it('puts whoever comes while others enter behind them', async () => {
  const { ask, entered, turn } = paced()
  for (let n = 0; n < WORK_AT_ONCE + 3; n++) ask(n)
  const entering = turn()
  ask(99)
  await entering
  expect(entered.slice(-3)).toEqual([WORK_AT_ONCE + 1, WORK_AT_ONCE + 2, 99])
})

it('asks nothing of the loop when nobody comes', async () => {
  const { ask, idle, turn } = paced()
  ask(0)
  await turn()
  expect(idle()).toBe(true)
})

it('lets fewer in at once whose turns take long', async () => {
  const { ask, entered, turn } = paced()
  const atOnce = WORK_AT_ONCE / WORK_OF_A_PLAN
  for (let n = 0; n < 3 * atOnce; n++) ask(n, true)
  expect(entered).toHaveLength(atOnce)
  await turn()
  expect(entered).toHaveLength(2 * atOnce)
  await turn()
  expect(entered).toHaveLength(3 * atOnce)
})
