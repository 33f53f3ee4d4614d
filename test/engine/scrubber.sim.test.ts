/** A running engine reads its log again in the background, and stops at what has rotted. In virtual time. */
import { describe, expect, it } from 'vitest'
import type { Controller, ControllerOptions, EngineError } from '../../src/index.ts'
import { PASS_MS, STEP_COMMITS } from '../../src/engine/scrubber.ts'
import { DATA_DIR, Lab } from './lab.ts'

const MINUTE = 60_000
const PLACE = 'k@scrubber'

/** A log of some hundred commits: a few steps of the scrubber. */
async function withLog(options: ControllerOptions = {}) {
  const lab = new Lab()
  const told: unknown[] = []
  const open = (): Promise<Controller> =>
    lab.open({ onProblem: (problem) => void told.push(problem), ...options })
  const controller = await open()
  for (let i = 0; i < STEP_COMMITS; i++) {
    const sandbox = await lab.do(controller.newSandbox(`box-${i}`))
    await lab.do(sandbox.delete())
  }
  await lab.ports.time.runFor(1000)
  const platter = lab.ports.disks.platter(DATA_DIR)
  /** The last commit that was found good in this pass. */
  const place = (): number => Number(platter.get(PLACE)?.slice(64) ?? NaN)
  return { controller, lab, open, place, platter, told }
}

/** Another text in a commit, far from the newest: what rot does. */
function rot({ platter }: Awaited<ReturnType<typeof withLog>>, seq: number): void {
  const key = `c${seq.toString(16).padStart(12, '0')}`
  platter.damage(key, platter.get(key)?.replace('"box-', '"bax-'))
}

describe('the scrubber', () => {
  it('goes through the log step by step, and again hours later', async () => {
    const { controller, lab, place } = await withLog()
    const { seq } = controller.queries
    expect(seq).toBeGreaterThan(3 * STEP_COMMITS)
    await lab.ports.time.runFor(10 * MINUTE)
    const places = new Set<number>()
    for (let minute = 0; minute < 8; minute++) {
      places.add(place())
      await lab.ports.time.runFor(MINUTE)
    }
    for (const step of [1, 2, 3]) expect(places).toContain(step * STEP_COMMITS)
    expect(place()).toBe(0)
    await lab.ports.time.runFor(PASS_MS + MINUTE)
    expect(place()).toBeGreaterThan(0)
    await lab.do(controller.close())
  })

  it('finds what rotted under a running engine: it is told, and nothing is written from then on', async () => {
    const scene = await withLog()
    const { controller, lab, told } = scene
    rot(scene, 2 * STEP_COMMITS + 2)
    await lab.ports.time.runFor(20 * MINUTE)
    expect(controller.blocked).toMatchObject({ code: 'ERR_LOG_DAMAGED' })
    const at = (controller.blocked as EngineError).details['from']
    expect(at).toBeGreaterThan(2 * STEP_COMMITS)
    expect(told).toEqual([controller.blocked])
    await expect(lab.do(controller.newSandbox('more'))).rejects.toMatchObject({ code: 'ERR_LOG_DAMAGED' })
    expect(controller.queries.seq).toBeGreaterThan(0)
    await lab.do(controller.close())
  })

  it('goes on where the last engine was, and not from the start', async () => {
    const { controller, lab, open, place } = await withLog()
    await lab.ports.time.runFor(12.5 * MINUTE)
    const before = place()
    expect(before).toBeGreaterThanOrEqual(STEP_COMMITS)
    await lab.do(controller.close())
    const again = await open()
    await lab.ports.time.runFor(10.5 * MINUTE)
    expect(place()).toBe(before + STEP_COMMITS)
    await lab.do(again.close())
  })

  it.each([{ scrub: false }, { leavesDrift: true }])('rests where it was told to: %o', async (options) => {
    const { controller, lab, place } = await withLog(options)
    await lab.ports.time.runFor(PASS_MS)
    expect(place()).toBeNaN()
    await lab.do(controller.close())
  })
})
