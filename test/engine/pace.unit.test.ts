/** A crowd does not hold the loop: some at a time, first come, first served. */
import { expect, it } from 'vitest'
import { Pace, TURNS_AT_ONCE } from '../../src/engine/pace.ts'

/** A pace whose loop turns when it is told to. */
function paced() {
  let later: (() => void)[] = []
  const entered: number[] = []
  const pace = new Pace({ afterTurn: (run) => void later.push(run) })
  return {
    ask: (n: number): void => {
      const room = pace.enter()
      if (room) void room.then(() => entered.push(n))
      else entered.push(n)
    },
    entered,
    idle: () => later.length === 0,
    turn: async (): Promise<void> => {
      const due = later
      later = []
      for (const run of due) run()
      await Promise.resolve()
    },
  }
}

it('lets some in at once, and the others in order, turn by turn', async () => {
  const { ask, entered, turn } = paced()
  const crowd = Array.from({ length: 2 * TURNS_AT_ONCE + 3 }, (_, n) => n)
  crowd.forEach(ask)
  expect(entered).toEqual(crowd.slice(0, TURNS_AT_ONCE))
  await turn()
  expect(entered).toEqual(crowd.slice(0, 2 * TURNS_AT_ONCE))
  await turn()
  expect(entered).toEqual(crowd)
})

it('lets nobody overtake those who wait', async () => {
  const { ask, entered, turn } = paced()
  for (let n = 0; n < TURNS_AT_ONCE + 2; n++) ask(n)
  await turn()
  for (let n = TURNS_AT_ONCE + 2; n < 3 * TURNS_AT_ONCE; n++) ask(n)
  await turn()
  await turn()
  expect(entered).toEqual([...entered].sort((a, b) => a - b))
  expect(entered.length).toBe(3 * TURNS_AT_ONCE)
})

it('puts whoever comes while others enter behind them', async () => {
  const { ask, entered, turn } = paced()
  for (let n = 0; n < TURNS_AT_ONCE + 3; n++) ask(n)
  const entering = turn()
  ask(99)
  await entering
  expect(entered.at(-1)).toBe(TURNS_AT_ONCE + 2)
  await turn()
  expect(entered.at(-1)).toBe(99)
})

it('asks nothing of the loop when nobody comes', async () => {
  const { ask, idle, turn } = paced()
  ask(0)
  await turn()
  expect(idle()).toBe(true)
})
