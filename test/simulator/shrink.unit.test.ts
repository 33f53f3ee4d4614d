/** Tapes and how they are made small; what is covered; and that every check has its line in the catalogue. */
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coverageOf, coverageOfWorld, createWorld, runSeed } from '../../src/simulator/index.ts'
import type { Act, Failure } from '../../src/simulator/index.ts'
import { faultGroups } from '../../src/simulator/faults.ts'
import { INVARIANTS } from '../../src/simulator/invariants/catalogue.ts'
import { minimise, shrink, smallerThan } from '../../src/simulator/shrink.ts'
import { playTape, readTape, tapeOf, writeTape, type Tape } from '../../src/simulator/tape.ts'

const create = (name: string) => ({
  command: { data: { driver: 'bridge', labels: { tier: 'x' }, name }, type: 'network.create' },
  id: `019b76da-a800-7000-8000-00000000000${name.slice(1)}`,
})
const asks = (atMs: number, host: number, ...names: readonly string[]): Act => ({
  atMs,
  data: { all: names.map(create) },
  host,
  kind: 'client.ask',
})
const kill = (atMs: number, host: number): Act => ({
  atMs,
  data: { downMs: 30_000, fate: 'lost' },
  host,
  kind: 'crash.kill',
})
const tape = (acts: readonly Act[], hosts = 1): Tape =>
  tapeOf({ id: 'K1', last: [], seed: '1', step: 1, tape: acts, virtualMs: 1, why: 'K1: x' }, { hosts })

const failure = (given: Tape): Failure => ({
  id: 'K1',
  last: [],
  seed: given.seed,
  step: 1,
  tape: given.acts,
  virtualMs: 1,
  why: 'K1: x',
})

/** Fails where a host dies after n1 was asked for. */
const killedAfterN1 = async (given: Tape): Promise<{ readonly failure?: Failure }> => {
  const { acts } = given
  const fails = acts.some(
    (act, i) =>
      JSON.stringify(act.data).includes('"n1"') &&
      acts.slice(i).some(({ host, kind }) => kind === 'crash.kill' && host === act.host),
  )
  return fails ? { failure: failure(given) } : {}
}

describe('shrinking', () => {
  it('leaves the acts that matter, on one host, with what they need, soon after each other', async () => {
    const noise = Array.from({ length: 40 }, (_, i) => asks(100 + i, i % 2, 'n7'))
    const given = tape(
      [...noise, asks(5000, 1, 'n5', 'n1', 'n2'), ...noise, kill(90_000, 1), kill(91_000, 0)],
      2,
    )
    const { tape: small, tries } = await shrink(given, { play: killedAfterN1 })
    expect(small.hosts).toBe(1)
    expect(small.acts).toEqual([
      {
        ...asks(0, 0),
        data: { all: [{ command: { data: { name: 'n1' }, type: 'network.create' }, id: create('n1').id }] },
      },
      { ...kill(0, 0), data: { downMs: 1, fate: 'lost' } },
    ])
    expect(small.phaseMs).toBe(1000)
    expect(tries).toBeLessThan(150)
  })

  it('gives back what does not fail, or fails of something else', async () => {
    const given = tape([asks(0, 0, 'n1')])
    expect(await shrink(given, { play: killedAfterN1 })).toEqual({
      failure: undefined,
      tape: given,
      tries: 1,
    })
    const other = async (of: Tape) => ({ failure: { ...failure(of), id: 'L1' } })
    expect((await shrink(given, { play: other })).failure).toBeUndefined()
  })

  it('stops when told to, with what it has', async () => {
    const given = tape([asks(0, 0, 'n1'), asks(1, 0, 'n2'), kill(2, 0)])
    const { tries } = await shrink(given, { play: killedAfterN1, triesMax: 3 })
    expect(tries).toBe(3)
  })

  it('finds the one subset that is needed, whichever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(30), { maxLength: 5 }), async (needed) => {
        let left: readonly number[] = []
        await minimise(
          Array.from({ length: 31 }, (_, i) => i),
          async (some) => {
            const takes = needed.every((each) => some.includes(each))
            if (takes) left = some
            return takes
          },
        )
        expect([...left]).toEqual([...needed].sort((a, b) => a - b))
      }),
      { numRuns: 50 },
    )
  })

  it('never takes from an act what it is made of, and comes to an end', () => {
    const { data } = asks(0, 0, 'n1', 'n2')
    let steps = 0
    for (let now: object | undefined = data; now; [now] = [...smallerThan(now)]) {
      expect(now).toMatchObject({ all: expect.any(Array) as unknown })
      expect(steps++).toBeLessThan(100)
    }
    expect([...smallerThan({ args: ['eth0', 9000], at: 'host' })]).toEqual([])
  })
})

describe('a tape', () => {
  it('plays as the run did that it is of', async () => {
    const run = await runSeed({ faults: ['crash'], minutes: 1, seed: '1' })
    expect(run.failure).toBeUndefined()
    const broken: Act = { atMs: 500, data: {}, host: 0, kind: 'client.ask' }
    const first = await playTape(tape([asks(100, 0, 'n1'), broken, asks(900, 0, 'n2')]))
    expect(first.failure).toMatchObject({ id: 'D1', virtualMs: 500 })
    const again = await playTape(readTape(writeTape(tapeOf(first.failure as Failure, {}))))
    expect(again.failure?.step).toBe(first.failure?.step)
    expect(again.traceHash).toBe(first.traceHash)
  })

  it('is the same when written and read', () => {
    const given = tape([asks(0, 0, 'n1'), kill(5, 0)])
    expect(readTape(writeTape(given))).toEqual(given)
    expect(
      writeTape(given)
        .split('\n')
        .filter((line) => line.includes('atMs')),
    ).toHaveLength(2)
  })

  it.each([
    ['no JSON', 'x', 'no JSON object'],
    ['a list', '[]', 'format undefined'],
    ['of a later format', { format: 2 }, 'of format 2'],
    ['without a host', { hosts: 0 }, 'hosts or its time'],
    [
      'with an act of which this version knows nothing',
      { acts: [{ kind: 'bus.drop' }] },
      "no act 'bus.drop'",
    ],
    ['with an act on a host that is not there', { acts: [kill(0, 3)] }, 'lacks its time, data or host'],
  ])('%s is refused', (_what, change, why) => {
    const text = typeof change === 'string' ? change : JSON.stringify({ ...tape([]), ...change })
    expect(() => readTape(text)).toThrow(why)
  })
})

describe('coverage', () => {
  it('counts what the machines allow, and tells what was not seen', () => {
    const { missing, possible } = coverageOf({})
    expect(missing).toHaveLength(possible)
    expect(coverageOf({ [missing[0] ?? '']: 1 })).toMatchObject({ possible, seen: 1 })
  })

  it('is of a scenario of your own, too', async () => {
    const world = await createWorld({ seed: 'mine' })
    await world.until(world.controller.newNetwork('bridge', 'web'))
    await world.close()
    expect(coverageOfWorld(world).seen).toBe(2)
    expect(coverageOfWorld(world).missing).not.toContain('network creating × NetworkCreated')
  })
})

describe('faults by name', () => {
  it('are all, none or some; those between hosts are not of one alone', () => {
    expect(faultGroups(undefined, 1)).toHaveLength(6)
    expect(faultGroups(undefined, 2)).toHaveLength(8)
    expect(faultGroups(['none'], 1)).toEqual([])
    expect(faultGroups(['kernel', 'disk', 'disk'], 1)).toEqual(['disk', 'kernel'])
    expect(faultGroups(['partition', 'bus'], 2)).toEqual(['bus', 'partition'])
    expect(() => faultGroups(['bus'], 1)).toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }))
    expect(() => faultGroups(['disks'], 2)).toThrow(expect.objectContaining({ code: 'ERR_INVALID' }))
  })
})

describe('the catalogue of invariants', () => {
  it('has every id that a check names, and no other', () => {
    const sources = readdirSync('src/simulator', { encoding: 'utf8', recursive: true })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('catalogue.ts'))
      .map((path) => readFileSync(`src/simulator/${path}`, 'utf8'))
    const named = sources.flatMap((text) => [...text.matchAll(/'([A-Z]\d{1,2})'/g)].map(([, id = '']) => id))
    // S1 is a scenario's own expectation.
    expect([...new Set(named)].filter((id) => id !== 'S1').sort()).toEqual(Object.keys(INVARIANTS).sort())
  })
})
