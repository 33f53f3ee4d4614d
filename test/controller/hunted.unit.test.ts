/** What a hostile reading of engine and controller found: each was a bug once. On the simulated machine. */
import { describe, expect, it } from 'vitest'
import type { InspectionEvent } from 'xstate'
import { EngineError } from '../../src/index.ts'
import { DATA_DIR, Lab } from '../engine/lab.ts'

async function withNetwork() {
  const lab = new Lab()
  const controller = await lab.open()
  await lab.do(controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' } }))
  await lab.do(controller.newSandbox('a'))
  return { controller, lab }
}

const codeOf = (error: unknown): unknown =>
  error instanceof EngineError ? error.code : (error as Error).constructor.name

describe('a range that starts before the first commit', () => {
  it.each([0, -1, 1.5, NaN])('(%d) is a wrong call, and no damage of the log', async (from) => {
    const { controller, lab } = await withNetwork()
    await lab.ports.time.runFor(50)
    const read = async (): Promise<void> => {
      for await (const _ of controller.commits({ from }));
    }
    const follow = async (): Promise<void> => {
      for await (const _ of controller.facts({ from })) break
    }
    expect(codeOf(await lab.do(read().catch((e: unknown) => e)))).toBe('RangeError')
    expect(codeOf(await lab.do(follow().catch((e: unknown) => e)))).toBe('RangeError')
    await lab.do(controller.newSandbox('b'))
    expect((await lab.do(controller.verify())).damage).toBeUndefined()
  })
})

describe('the past', () => {
  it('has what was answered a moment ago', async () => {
    const { controller, lab } = await withNetwork()
    const endpoint = await lab.do(controller.connect('web', 'a'))
    const { seq } = controller.queries
    expect((await lab.do(controller.asOf(seq))).endpoint(endpoint.id).state).toBe('joined')
    const other = await lab.do(controller.connect('web', 'a', { name: 'other' }))
    expect((await lab.do(controller.asOf('now'))).endpoint(other.id).state).toBe('joined')
  })

  it('is whole as of a time far ahead', async () => {
    const { controller, lab } = await withNetwork()
    expect((await lab.do(controller.asOf(new Date(8.64e15)))).networks()).toHaveLength(1)
  })
})

describe('an inspector', () => {
  it('sees in each snapshot what the event before it led to, and the end', async () => {
    const seen: unknown[] = []
    const lab = new Lab()
    const inspect = (event: InspectionEvent): void => {
      if (event.type === '@xstate.snapshot')
        seen.push((event.snapshot as unknown as { value: unknown }).value)
    }
    const controller = await lab.open({ inspect })
    const sandbox = await lab.do(controller.newSandbox('a'))
    await lab.do(sandbox.delete())
    expect(seen).toEqual(['creating', 'created', 'deleting', 'deleted'])
  })
})

describe('an engine whose store failed', () => {
  it('closes at once, though somebody follows its facts', async () => {
    const { controller, lab } = await withNetwork()
    const following = (async () => {
      for await (const _ of controller.facts());
    })()
    lab.ports.disks.platter(DATA_DIR).faults.push('full')
    await lab.do(controller.newSandbox('b').catch((e: unknown) => e))
    await lab.ports.time.runFor(3000)
    const fromMs = lab.ports.time.monotonicMs()
    await lab.do(controller.close())
    expect(lab.ports.time.monotonicMs() - fromMs).toBeLessThan(100)
    await lab.do(following)
  })
})

describe('a clock that stepped back', () => {
  it('is told once, until the next step', async () => {
    const { controller, lab } = await withNetwork()
    lab.ports.time.jumpWall(-60_000)
    for (const name of ['b', 'c', 'd']) await lab.do(controller.newSandbox(name))
    await lab.ports.time.runFor(50)
    const steps: string[] = []
    const read = async (): Promise<void> => {
      for await (const { facts } of controller.commits())
        for (const { type } of facts) if (type === 'ClockSteppedBack') steps.push(type)
    }
    await lab.do(read())
    expect(steps).toHaveLength(1)
  })
})

describe('a disconnect that the kernel refused', () => {
  it('can be asked for again', async () => {
    const { controller, lab } = await withNetwork()
    await lab.do(controller.connect('web', 'a'))
    lab.world.faults.push({ errno: 'EBUSY', match: (step) => step.op === 'cut', times: 1, when: 'before' })
    expect(codeOf(await lab.do(controller.disconnect('web', 'a').catch((e: unknown) => e)))).toBe(
      'ERR_EFFECT_FAILED',
    )
    await lab.do(controller.disconnect('web', 'a'))
    expect(controller.queries.endpoints()).toEqual([])
  })
})

describe('a reader that goes away while it waits', () => {
  it('is let go at once, though no fact of its types ever comes', async () => {
    const { controller, lab } = await withNetwork()
    const log = controller.engine.log
    let open = 0
    const subscribe = log.subscribe.bind(log)
    log.subscribe = (options) => {
      const source = subscribe(options)
      open += 1
      const next = source.next.bind(source)
      source.next = async () => {
        const result = await next()
        if (result.done === true) open -= 1
        return result
      }
      return source
    }
    const subscription = controller
      .facts({ types: ['Contention'] })
      .asObservable()
      .subscribe()
    await lab.do(controller.newSandbox('b'))
    expect(open).toBe(1)
    subscription.unsubscribe()
    await lab.ports.time.runFor(1)
    expect(open).toBe(0)
  })
})

describe('an actor', () => {
  it('is one of each entity, and costs nothing once its entity is gone', async () => {
    const { controller, lab } = await withNetwork()
    let listening = 0
    const onTaken = controller.engine.onTaken.bind(controller.engine)
    controller.engine.onTaken = (listener) => {
      listening += 1
      return onTaken(listener)
    }
    const sandbox = controller.sandbox('a')
    const actor = controller.actor(sandbox.id)
    for (let i = 0; i < 100; i++) expect(controller.actor(sandbox.id)).toBe(actor)
    expect(listening).toBe(0)
    await lab.do(sandbox.delete())
    expect(actor.getSnapshot()).toMatchObject({ status: 'done', value: 'deleted' })
    expect(controller.actor(actor.id)).not.toBe(actor)
  })
})

describe('a command with an id that is held back', () => {
  async function held() {
    const { controller, lab } = await withNetwork()
    await lab.do(controller.connect('web', 'a', { address: '10.9.0.7' }))
    lab.world.latencyMs = (step) => (step.op === 'remove' ? 500 : 0)
    await lab.do(controller.disconnect('web', 'a'))
    const parked = controller.connect('web', 'a', { address: '10.9.0.7' })
    const behind = controller.connect('web', 'a', { name: 'other' }, { id: controller.newCommandId() })
    const both = Promise.allSettled([parked, behind])
    await lab.ports.time.runFor(50)
    return { both, controller, lab }
  }

  const codes = (outcomes: readonly PromiseSettledResult<unknown>[]): unknown[] =>
    outcomes.map((one) => (one.status === 'rejected' ? codeOf(one.reason) : 'done'))

  it('hears a code when the store fails meanwhile', async () => {
    const { both, controller, lab } = await held()
    lab.ports.disks.platter(DATA_DIR).faults.push('lost')
    await lab.do(controller.newSandbox('b').catch((e: unknown) => e))
    expect(codes(await lab.do(both))).toEqual(['ERR_STORE_UNWRITABLE', 'ERR_STORE_UNWRITABLE'])
  })

  it('hears a code when the engine closes meanwhile', async () => {
    const { both, controller, lab } = await held()
    await lab.do(controller.close())
    // Its turn came when the sweep that it waited for was done: what is in the log is answered.
    expect(codes(await lab.do(both))).toEqual(['done', 'done'])
  })
})

describe('a time without a zone', () => {
  it('is no moment: it would be another one elsewhere', async () => {
    const { controller, lab } = await withNetwork()
    const error = await lab.do(controller.asOf('2026-01-31T09:30:00').catch((e: unknown) => e))
    expect(codeOf(error)).toBe('ERR_INVALID')
    expect((await lab.do(controller.asOf('2126-01-31T09:30:00+01:00'))).networks()).toHaveLength(1)
  })
})

describe('an audit that cannot read the kernel', () => {
  it('says so', async () => {
    const { controller, lab } = await withNetwork()
    const { kernel } = controller.engine
    const observe = kernel.observe.bind(kernel)
    await lab.ports.time.runFor(500)
    kernel.observe = () => {
      kernel.observe = observe
      return Promise.reject(new Error('EIO'))
    }
    expect(await lab.do(controller.audit().catch((e: unknown) => String(e)))).toBe('Error: EIO')
    await lab.do(controller.audit())
  })
})

describe('an endpoint whose leave the kernel refused', () => {
  it('can be deleted with force', async () => {
    const { controller, lab } = await withNetwork()
    const endpoint = await lab.do(controller.connect('web', 'a'))
    lab.world.faults.push({ errno: 'EBUSY', match: (step) => step.op === 'cut', times: 1, when: 'before' })
    expect(codeOf(await lab.do(endpoint.leave().catch((e: unknown) => e)))).toBe('ERR_EFFECT_FAILED')
    await lab.do(endpoint.delete({ force: true }))
    expect(controller.queries.endpoints()).toEqual([])
  })
})

describe('damage that a reader meets', () => {
  it('stops the engine: it says why, and heals nothing any more', async () => {
    const problems: unknown[] = []
    const lab = new Lab()
    const controller = await lab.open({ onProblem: (problem) => problems.push(problem) })
    await lab.do(controller.newNetwork('bridge', 'web'))
    await lab.do(controller.newSandbox('a'))
    const endpoint = await lab.do(controller.connect('web', 'a'))
    await lab.ports.time.runFor(500)
    const platter = lab.ports.disks.platter(DATA_DIR)
    const [key, value] = platter.range({}).find(([, text]) => text.endsWith('"seq":3}')) ?? ['', '']
    platter.damage(key, value.replace('"seq":3}', '"seq":9}'))
    const read = async (): Promise<void> => {
      for await (const _ of controller.commits());
    }
    expect(codeOf(await lab.do(read().catch((e: unknown) => e)))).toBe('ERR_LOG_DAMAGED')
    lab.root.deleteLink(endpoint.info.link?.name ?? '')
    await lab.ports.time.runFor(60_000)
    expect(controller.blocked).toMatchObject({ code: 'ERR_LOG_DAMAGED' })
    expect(problems.length).toBeLessThan(3)
    expect(codeOf(await lab.do(controller.newSandbox('b').catch((e: unknown) => e)))).toBe('ERR_LOG_DAMAGED')
    expect(controller.queries.endpoints()).toHaveLength(1)
    await lab.do(controller.close())
  })
})

describe('drift, on a log that has no room', () => {
  it('is healed when there is, taken for no quarrel, and ends no process by a rejection that nobody hears', async () => {
    const problems: unknown[] = []
    const lab = new Lab()
    const controller = await lab.open({ onProblem: (problem) => problems.push(codeOf(problem)) })
    await lab.do(controller.newNetwork('bridge', 'web'))
    await lab.do(controller.newSandbox('a'))
    const endpoint = await lab.do(controller.connect('web', 'a'))
    const { log } = controller.engine
    const append = log.append.bind(log)
    log.append = (draft, ...rest) => {
      if (draft.command.type !== 'drift.report' && draft.command.type !== 'host.observe')
        return append(draft, ...rest)
      throw new EngineError('ERR_BACKPRESSURE', 'full')
    }
    lab.root.deleteLink(endpoint.info.link?.name ?? '')
    await lab.ports.time.runFor(8000)
    expect(new Set(problems)).toEqual(new Set(['ERR_BACKPRESSURE']))
    log.append = append
    await lab.ports.time.runFor(1000)
    expect(lab.links()).toContain(endpoint.info.link?.name)
  })
})
