/**
 * Engines that die at a chosen moment: before or after one step of the kernel, or one write of the store. Nothing that a dead
 * engine still does reaches kernel, disk or the clients that it answered.
 */
import { expect } from 'vitest'
import type { ClientCommand, CommandId } from '../../events/index.ts'
import { createController, EngineError, type Answer, type Controller } from '../../src/index.ts'
import type { Kernel } from '../../src/kernel/kernel.ts'
import { Platter, type WriteFault } from '../../src/simulator/store.ts'
import { checkInvariants, commitsOf, textOf } from './invariants.ts'
import { DATA_DIR, Lab, leftovers, RUN_DIR } from './lab.ts'

/** When an engine dies: at the n-th step or write after it was armed. */
export type Moment = {
  readonly nth: number
  readonly what: 'step' | 'write'
  readonly when: 'after' | 'before'
}

/** A situation, and what is under way in it when the engine dies. */
export type Scenario = {
  readonly act: (run: CrashRun) => Promise<unknown>
  readonly name: string
  readonly prepare?: (run: CrashRun) => Promise<unknown>
}

/** A command, and what was heard: an answer, or a code. */
type Asked = { answer?: Answer; code?: string; readonly command: ClientCommand; readonly id: CommandId }

const never = <T>(): Promise<T> => new Promise(() => undefined)

export class CrashRun {
  readonly asked: Asked[] = []
  readonly lab: Lab
  /** Steps and writes since the engine was armed. */
  readonly seen = { step: 0, write: 0 }
  #controller: Controller | undefined
  #ids = 0
  #life = { isDead: false }

  constructor(seed: string) {
    this.lab = new Lab(seed)
    this.lab.world.latencyMs = () => 1
    this.lab.ports.disks.platter(DATA_DIR).syncMs = 2
  }

  get controller(): Controller {
    if (this.#controller === undefined) throw new Error('no engine runs')
    return this.#controller
  }

  get isDead(): boolean {
    return this.#life.isDead
  }

  /** A new engine, on what the last one left. */
  async open(): Promise<void> {
    const life = { isDead: false }
    this.#life = life
    const openKernel = async (options: Parameters<Lab['ports']['openKernel']>[0]): Promise<Kernel> =>
      mortal(await this.lab.ports.openKernel(options), life)
    const ports = { ...this.lab.ports, openKernel }
    this.#controller = await createController({ dataDir: DATA_DIR, ports, runDir: RUN_DIR })
  }

  /** Gives a command, with an id by which it can be repeated. What is answered after the death was never heard. */
  async ask<T extends ClientCommand['type']>(
    type: T,
    data: Extract<ClientCommand, { type: T }>['data'],
  ): Promise<void> {
    const id = `0190d6e4-0000-7000-8000-${String(++this.#ids).padStart(12, '0')}` as CommandId
    const asked: Asked = { command: { data, type } as ClientCommand, id }
    this.asked.push(asked)
    const life = this.#life
    try {
      const answer = await this.controller.dispatch(asked.command, { id })
      if (!life.isDead) asked.answer = answer
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      if (!life.isDead) asked.code = error.code
    }
    if (life.isDead) await never()
  }

  /** The next write but `nth - 1` fails so. */
  failWrite(nth: number, fault: WriteFault): void {
    this.arm()
    const platter = this.lab.ports.disks.platter(DATA_DIR)
    const write = platter.write.bind(platter)
    platter.write = (ops, sync) => {
      if (this.seen.write + 1 === nth) platter.faults.push(fault)
      write(ops, sync)
    }
  }

  /** From now on steps and writes count, and the moment is waited for. */
  arm(moment?: Moment): void {
    const { lab, seen } = this
    const due = (what: Moment['what'], when: Moment['when']): boolean =>
      moment?.what === what && moment.when === when && moment.nth === seen[what]
    const dieIf = (isDue: boolean): void => {
      if (isDue) this.die()
      if (this.isDead) throw new Error('killed')
    }
    lab.world.hooks = {
      afterStep: () => dieIf(due('step', 'after')),
      beforeStep: () => {
        seen.step += 1
        dieIf(due('step', 'before'))
      },
    }
    const platter = lab.ports.disks.platter(DATA_DIR)
    const write = Platter.prototype.write.bind(platter)
    platter.write = (ops, sync) => {
      seen.write += 1
      if (due('write', 'before')) this.die()
      if (this.isDead) return
      write(ops, sync)
      if (due('write', 'after')) this.die()
    }
  }

  disarm(): void {
    this.lab.world.hooks = {}
    const platter = this.lab.ports.disks.platter(DATA_DIR)
    platter.write = Platter.prototype.write.bind(platter)
  }

  die(): void {
    this.#life.isDead = true
    this.lab.kill()
  }

  /** Lets time pass until the work is done and all is at rest, or the engine is dead. */
  async follow(work: Promise<unknown>): Promise<void> {
    const open = new Set([work])
    const close = (): void => void open.delete(work)
    work.then(close, close)
    const { time } = this.lab.ports
    await time.run(() => open.size === 0 || this.isDead)
    if (open.size === 0) await work
    const restMs = time.monotonicMs() + REST_MS
    await time.run(() => this.isDead || (time.nextMs ?? Infinity) > restMs)
  }
}

/** In which all plans are settled, sweeps and their repetitions too. */
const REST_MS = 2000

/** The kernel as a process has it: nothing comes of what it asks once it is dead. */
function mortal(kernel: Kernel, life: { readonly isDead: boolean }): Kernel {
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    const result = await (life.isDead ? never<T>() : work())
    // It may have died while the kernel worked.
    return (life as { isDead: boolean }).isDead ? never() : result
  }
  return {
    apply: (steps) => alive(() => kernel.apply(steps)),
    close: () => kernel.close(),
    cookieAt: (path) => alive(() => kernel.cookieAt(path)),
    flows: (ends) => alive(() => kernel.flows(ends)),
    identity: kernel.identity,
    observe: (...asked) => alive(() => kernel.observe(...asked)),
    onHint: (listener) => kernel.onHint((hint) => (life.isDead ? undefined : listener(hint))),
    routes: () => alive(() => kernel.routes()),
  }
}

/** Plays a scenario up to its end or the moment, and gives what is left of it. */
export async function play(scenario: Scenario, moment?: Moment): Promise<CrashRun> {
  const run = new CrashRun(scenario.name)
  const { lab } = run
  await lab.do(run.open())
  if (scenario.prepare) await run.follow(scenario.prepare(run))
  run.asked.length = 0
  run.arm(moment)
  await run.follow(scenario.act(run))
  // What the dead one had under way comes to its end, unseen.
  await lab.ports.time.runFor(50)
  run.disarm()
  return run
}

/** Every moment at which a scenario can be cut off. */
export async function momentsOf(scenario: Scenario): Promise<Moment[]> {
  const { seen } = await play(scenario)
  const moments: Moment[] = []
  for (const what of ['step', 'write'] as const)
    for (let nth = 1; nth <= seen[what]; nth++)
      for (const when of ['before', 'after'] as const) moments.push({ nth, what, when })
  return moments
}

/** A new engine finds what was acknowledged, makes all well, and leaves nothing when all is deleted. */
export async function checkLife(run: CrashRun, moment: Moment): Promise<void> {
  const { lab } = run
  expect(run.isDead, `nothing died at ${JSON.stringify(moment)}`).toBe(true)
  // A leave or delete that is refused again would leave its link, and rightly.
  lab.world.faults.length = 0
  await lab.do(run.open())
  await lab.ports.time.runFor(REST_MS)
  await checkInvariants(lab, run.controller)
  await checkAcknowledged(run)
  await lab.ports.time.runFor(REST_MS)
  await checkInvariants(lab, run.controller)
  await checkEnd(run)
}

/** At rest a restart writes nothing; and when all is deleted, nothing is left. */
export async function checkEnd(run: CrashRun): Promise<void> {
  await checkQuietRestart(run)
  await deleteAll(run)
  expect(leftovers(run.lab)).toEqual([])
}

/** What was answered is in the log as it was told, and the same id gives it again; of the rest, some outcome. */
async function checkAcknowledged(run: CrashRun): Promise<void> {
  const { asked, controller, lab } = run
  const commits = await commitsOf(lab, controller)
  for (const { answer } of asked) if (answer) expect(commits[answer.commit.seq - 1]).toEqual(answer.commit)
  for (const { answer, command, id } of asked) {
    const [again] = await lab.all([controller.dispatch(command, { id })])
    if (answer) expect(again, command.type).toMatchObject({ value: { commit: { seq: answer.commit.seq } } })
  }
}

async function checkQuietRestart(run: CrashRun): Promise<void> {
  const { lab } = run
  const before = textOf(lab.world)
  const { steps } = lab.world
  run.die()
  await lab.do(run.open())
  await lab.ports.time.runFor(REST_MS)
  expect(run.controller.recovered).toEqual({ healed: 0, late: 0, orphans: [] })
  expect(lab.world.steps).toBe(steps)
  expect(textOf(lab.world)).toBe(before)
}

async function deleteAll(run: CrashRun): Promise<void> {
  const { controller, lab } = run
  for (const sandbox of controller.sandboxes()) await lab.do(sandbox.delete())
  for (const { id, state } of controller.queries.endpoints()) {
    if (state === 'failed') await lab.do(controller.endpoint(id).leave())
    await lab.do(controller.endpoint(id).delete())
  }
  for (const network of controller.networks()) await lab.do(network.delete())
  await lab.do(controller.close())
}
