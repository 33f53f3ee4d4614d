/** A store that fails under a running engine: nothing is believed that is not on the disk, and all goes on by itself. */
import { describe, expect, it } from 'vitest'
import { checkEnd, CrashRun, play } from './crash-lab.ts'
import { checkInvariants, outcomesOf, textOf } from './invariants.ts'
import { DATA_DIR, Lab } from './lab.ts'
import { SCENARIOS } from './scenarios.ts'

const UNKNOWN = new Set(['ERR_OUTCOME_UNKNOWN', 'ERR_STORE_UNWRITABLE'])

/** Scenes that every client can repeat from the beginning with the same ids, and come to the same end. */
const REPEATABLE = SCENARIOS.filter(({ name }) =>
  [
    'a connect',
    'a disconnect',
    'a join',
    'an internal network',
    'a whole life',
    'the end of a sandbox with two endpoints',
    'three connects at once',
  ].includes(name),
)

describe.each(['lost', 'landed'] as const)('a write that failed (%s)', (fault) => {
  it.each(REPEATABLE)('at any moment of $name', { timeout: 60_000 }, async (scenario) => {
    const { seen } = await play(scenario)
    for (let nth = 1; nth <= seen.write; nth++) {
      const run = new CrashRun(scenario.name)
      const { lab } = run
      await lab.do(run.open())
      if (scenario.prepare) await run.follow(scenario.prepare(run))
      run.asked.length = 0
      run.failWrite(nth, fault)
      await run.follow(scenario.act(run))
      run.disarm()
      const codes = run.asked.map(({ code = 'done' }) => code)
      const first = codes.find((code) => code !== 'done')
      // What comes after an unknown outcome may be refused for its sake.
      if (first !== undefined) expect([...UNKNOWN]).toContain(first)
      await checkInvariants(lab, run.controller)
      const again = []
      for (const { command, id } of run.asked)
        again.push(...(await lab.all([run.controller.dispatch(command, { id })])))
      // Where a later command was done, an earlier one that fell may have come too late.
      for (const outcome of outcomesOf(again)) expect(['ERR_NOT_FOUND', 'done']).toContain(outcome)
      await lab.ports.time.runFor(1000)
      await checkInvariants(lab, run.controller)
      await checkEnd(run)
    }
  })
})

describe('a full disk', () => {
  const heard = (lab: Lab, work: Promise<unknown>) =>
    lab.do(work.then(() => 'done').catch((error: unknown) => (error as { code: string }).code))

  it('is said, leaves the kernel alone, and is over by itself', async () => {
    const lab = new Lab()
    const controller = await lab.open()
    await lab.do(controller.newNetwork('bridge', 'web'))
    await lab.do(controller.newSandbox('a'))
    await lab.ports.time.runFor(100)
    const { faults } = lab.ports.disks.platter(DATA_DIR)
    faults.push('full')
    const before = textOf(lab.world)
    expect(await heard(lab, controller.connect('web', 'a'))).toBe('ERR_OUTCOME_UNKNOWN')
    await lab.ports.time.runFor(300)
    // An addition that bears our mark may have begun while its commit was being synced; it goes when the disk is back.
    const meanwhile = textOf(lab.world)
    expect(await heard(lab, controller.connect('web', 'a'))).toBe('ERR_STORE_UNWRITABLE')
    await lab.ports.time.runFor(60_000)
    expect(textOf(lab.world)).toBe(meanwhile)
    expect(controller.queries.endpoints()).toEqual([])
    faults.length = 0
    await lab.ports.time.runFor(5000)
    expect(textOf(lab.world)).toBe(before)
    await checkInvariants(lab, controller)
    await lab.do(controller.connect('web', 'a'))
    await checkInvariants(lab, controller)
  })

  it('keeps an engine from starting, and its lock is free again', async () => {
    const lab = new Lab()
    await lab.do((await lab.open()).close())
    const { faults } = lab.ports.disks.platter(DATA_DIR)
    faults.push('full')
    expect(await heard(lab, lab.open())).toBe('ERR_STORE_UNWRITABLE')
    faults.length = 0
    const controller = await lab.open()
    await lab.do(controller.newSandbox('a'))
    await checkInvariants(lab, controller)
  })

  it('does not keep an engine from closing', async () => {
    const lab = new Lab()
    const controller = await lab.open()
    lab.ports.disks.platter(DATA_DIR).faults.push('full')
    expect(await heard(lab, controller.newSandbox('a'))).toBe('ERR_OUTCOME_UNKNOWN')
    await lab.ports.time.runFor(3000)
    const fromMs = lab.ports.time.monotonicMs()
    await lab.do(controller.close())
    expect(lab.ports.time.monotonicMs() - fromMs).toBeLessThan(100)
    expect(await heard(lab, controller.newSandbox('a'))).toBe('ERR_CLOSED')
  })
})

describe('a group that fails', () => {
  it('takes all behind it along, and each asker hears it with the id to repeat', async () => {
    const lab = new Lab()
    const controller = await lab.open()
    await lab.do(controller.newNetwork('bridge', 'web'))
    const platter = lab.ports.disks.platter(DATA_DIR)
    platter.syncMs = 5
    platter.faults.push('lost')
    const work = Array.from({ length: 50 }, (_, i) => controller.newEndpoint('web', `e${i}`))
    await lab.ports.time.runFor(2)
    work.push(...Array.from({ length: 50 }, (_, i) => controller.newEndpoint('web', `f${i}`)))
    const results = await lab.all(work)
    expect(new Set(outcomesOf(results))).toEqual(new Set(['ERR_OUTCOME_UNKNOWN']))
    for (const result of results)
      expect(result).toMatchObject({
        reason: { details: { id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string } },
      })
    expect(controller.queries.endpoints()).toEqual([])
    await lab.do(controller.newEndpoint('web', 'e0'))
    await checkInvariants(lab, controller)
  })

  it('is awaited by the next life, as far as the kernel works for it', async () => {
    const lab = new Lab()
    const controller = await lab.open()
    await lab.do(controller.newNetwork('bridge', 'web'))
    for (const name of ['a', 'b', 'c']) await lab.do(controller.newSandbox(name))
    lab.world.latencyMs = () => 50
    const platter = lab.ports.disks.platter(DATA_DIR)
    platter.syncMs = 20
    platter.faults.push('lost')
    const results = await lab.all(['a', 'b', 'c'].map((name) => controller.connect('web', name)))
    expect(new Set(outcomesOf(results))).toEqual(new Set(['ERR_OUTCOME_UNKNOWN']))
    await lab.do(controller.newSandbox('d'))
    await lab.ports.time.runFor(2000)
    expect(controller.queries.endpoints()).toEqual([])
    await checkInvariants(lab, controller)
  })

  it('ends what is parked and held back', async () => {
    const lab = new Lab()
    const controller = await lab.open()
    await lab.do(controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' } }))
    await lab.do(controller.newSandbox('a'))
    await lab.do(controller.connect('web', 'a', { address: '10.9.0.7' }))
    lab.world.latencyMs = (step) => (step.op === 'remove' ? 500 : 0)
    await lab.do(controller.disconnect('web', 'a'))
    const parked = controller.connect('web', 'a', { address: '10.9.0.7' })
    const behind = controller.connect('web', 'a', { name: 'other' })
    await lab.ports.time.runFor(50)
    lab.ports.disks.platter(DATA_DIR).faults.push('lost')
    const results = await lab.all<unknown>([controller.newSandbox('b'), parked, behind])
    // What was never taken is known not to be written.
    expect(outcomesOf(results)).toEqual([
      'ERR_OUTCOME_UNKNOWN',
      'ERR_STORE_UNWRITABLE',
      'ERR_STORE_UNWRITABLE',
    ])
    await lab.do(controller.connect('web', 'a', { address: '10.9.0.7' }))
    await checkInvariants(lab, controller)
  })
})
