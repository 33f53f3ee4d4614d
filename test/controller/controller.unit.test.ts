/** The controller as those who embed it know it: handles, walkers, facts, the past, actors. On the simulated machine. */
import { firstValueFrom, take, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { InspectionEvent } from 'xstate'
import { EngineError } from '../../src/index.ts'
import { Lab } from '../engine/lab.ts'

async function withNetwork() {
  const lab = new Lab()
  const controller = await lab.open()
  const network = await lab.do(controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' } }))
  const sandbox = await lab.do(controller.newSandbox('a', { domain: 'docker.io', hostname: 'test' }))
  return { controller, lab, network, sandbox }
}

describe('handles', () => {
  it('tell what the log says, by name, id and unique prefix', async () => {
    const { controller, lab, network, sandbox } = await withNetwork()
    const endpoint = await lab.do(network.createEndpoint('e1', { address: '10.9.0.7' }))
    await lab.do(endpoint.join(sandbox))
    expect(controller.network('web').id).toBe(network.id)
    expect(controller.network(network.id.slice(0, 6)).name).toBe('web')
    expect(endpoint.info).toMatchObject({
      addresses: ['10.9.0.7/24'],
      ifName: 'eth0',
      mac: '02:42:0a:09:00:07',
      sandbox: sandbox.id,
      state: 'joined',
    })
    expect(endpoint.sandbox?.containerId).toBe('a')
    expect(sandbox.info).toMatchObject({ domain: 'docker.io', hostname: 'test' })
    expect(sandbox.key).toContain(`/netns/${sandbox.id}`)
  })

  it('say that their entity is gone once it is', async () => {
    const { lab, network } = await withNetwork()
    await lab.do(network.delete())
    expect(() => network.info).toThrow(expect.objectContaining({ code: 'ERR_NOT_FOUND' }))
  })

  it('find an endpoint by its name, and tell when the name fits several networks', async () => {
    const { controller, lab, network } = await withNetwork()
    const other = await lab.do(controller.newNetwork('bridge', 'db', { ipam: { subnet: '10.10.0.0/24' } }))
    const one = await lab.do(network.createEndpoint('e1'))
    const two = await lab.do(other.createEndpoint('e1'))
    expect(() => controller.endpoint('e1')).toThrow(expect.objectContaining({ code: 'ERR_AMBIGUOUS' }))
    expect(controller.endpoint('e1', 'web').id).toBe(one.id)
    expect(controller.endpoint('e1', 'db').id).toBe(two.id)
  })
})

describe('walkers', () => {
  it('stop where they are told to', async () => {
    const { controller, lab } = await withNetwork()
    for (const name of ['b', 'c', 'd']) await lab.do(controller.newSandbox(name))
    const seen: string[] = []
    controller.queries.walkSandboxes((sandbox) => {
      seen.push(sandbox.name)
      return sandbox.name === 'c'
    })
    expect(seen).toEqual(['a', 'b', 'c'])
  })
})

describe('facts', () => {
  it('come from a commit on, narrowed by type, without a gap', async () => {
    const { controller, lab } = await withNetwork()
    const facts = controller.facts({ from: 1, types: ['NetworkCreated', 'SandboxCreated', 'EndpointJoined'] })
    const three = firstValueFrom(facts.asObservable().pipe(take(3), toArray()))
    await lab.do(controller.connect('web', 'a'))
    expect((await lab.do(three)).map((fact) => [fact.type, fact.seq])).toEqual([
      ['NetworkCreated', 3],
      ['SandboxCreated', 5],
      ['EndpointJoined', 7],
    ])
  })

  it('come from now on although what is decided is not on disk yet', async () => {
    const { controller, lab } = await withNetwork()
    // Answered: its receipt is decided, and will be on disk with the next group.
    await lab.do(controller.connect('web', 'a'))
    const { seq } = controller.queries
    const next = firstValueFrom(controller.facts().asObservable())
    await lab.do(controller.newSandbox('b'))
    expect(await lab.do(next)).toMatchObject({ seq: seq + 1, type: 'SandboxCreateRequested' })
  })

  it('end when the controller closes', async () => {
    const { controller, lab } = await withNetwork()
    const read = async (): Promise<number> => {
      let count = 0
      for await (const fact of controller.facts({ from: 1 })) count += fact.version > 0 ? 1 : 0
      return count
    }
    const reading = read()
    await lab.do(controller.close())
    expect(await lab.do(reading)).toBeGreaterThan(5)
  })
})

describe('the past', () => {
  it('is asked by commit, by time and by how long ago', async () => {
    const { controller, lab, network } = await withNetwork()
    await lab.ports.time.runFor(60_000)
    await lab.do(network.delete())
    const names = async (moment: string | number): Promise<string[]> =>
      (await lab.do(controller.asOf(moment))).networks().map((n) => n.name)
    expect(await names('#5')).toEqual(['web'])
    expect(await names(1)).toEqual([])
    expect(await names('30s')).toEqual(['web'])
    expect(await names('now')).toEqual([])
    await expect(lab.do(controller.asOf('yesterday'))).rejects.toMatchObject({ code: 'ERR_INVALID' })
  })

  it('is the same from a snapshot as from the first commit', async () => {
    const { controller, lab, network } = await withNetwork()
    await lab.do(network.createEndpoint('e1'))
    const before = (await lab.do(controller.asOf('now'))).endpoints()
    await lab.do(controller.close())
    const again = await lab.open()
    expect((await lab.do(again.asOf('now'))).endpoints()).toEqual(before)
    expect(again.queries.endpoints()).toEqual(before)
  })
})

describe('an actor', () => {
  it('has a snapshot as xstate gives them, tells changes, and takes commands', async () => {
    const refused: unknown[] = []
    const lab = new Lab()
    const controller = await lab.open({ onRefused: (error) => refused.push(error) })
    const network = await lab.do(controller.newNetwork('bridge', 'web'))
    const actor = controller.actor(network.id)
    expect(actor.getSnapshot().matches('created')).toBe(true)
    const states: unknown[] = []
    actor.subscribe((snapshot) => states.push(snapshot.value))
    actor.send({ data: { network: 'web' }, type: 'network.delete' })
    actor.send({ data: { network: 'nope' }, type: 'network.delete' })
    await lab.ports.time.runFor(100)
    expect(states).toEqual(['deleting', 'deleted'])
    expect(actor.getSnapshot().status).toBe('done')
    expect(refused).toEqual([expect.objectContaining({ code: 'ERR_NOT_FOUND' })])
  })

  it('is seen by an inspector in xstate shapes', async () => {
    const events: InspectionEvent[] = []
    const lab = new Lab()
    const controller = await lab.open({ inspect: (event) => events.push(event) })
    await lab.do(controller.newSandbox('a'))
    expect(events.map((event) => event.type)).toEqual([
      '@xstate.actor',
      '@xstate.event',
      '@xstate.snapshot',
      '@xstate.event',
      '@xstate.snapshot',
    ])
  })
})

describe('what went wrong in reviews', () => {
  it('a command during close is refused, and the data directory opens again', async () => {
    const { controller, lab } = await withNetwork()
    const closing = controller.close()
    await expect(lab.do(controller.newSandbox('late'))).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await lab.do(Promise.all([closing, controller.close()]))
    expect((await lab.open()).queries.sandboxes().map((s) => s.name)).toEqual(['a'])
  })

  it('an unawaited disconnect before close still sweeps its link', async () => {
    const { controller, lab } = await withNetwork()
    await lab.do(controller.connect('web', 'a'))
    const leaving = controller.disconnect('web', 'a')
    await lab.do(Promise.all([leaving, controller.close()]))
    expect(lab.links().filter((name) => name.startsWith('cnv'))).toEqual([])
  })

  it('facts can be followed right after an answer', async () => {
    const { controller, lab } = await withNetwork()
    const next = firstValueFrom(controller.facts().asObservable())
    await lab.do(controller.newSandbox('b'))
    expect((await lab.do(next)).type).toBe('SandboxCreateRequested')
  })

  it('a listener that throws is told of, and harms nobody', async () => {
    const problems: unknown[] = []
    const lab = new Lab()
    const inspect = (): void => {
      throw new Error('mine')
    }
    const controller = await lab.open({ inspect, onProblem: (problem) => problems.push(problem) })
    await lab.do(controller.newSandbox('a'))
    expect(controller.queries.sandbox('a').state).toBe('created')
    expect(problems).toContainEqual(new Error('mine'))
  })

  it('a command with an id keeps its place before one without', async () => {
    const { controller, lab } = await withNetwork()
    const id = controller.newCommandId()
    const both = [
      controller.newNetwork('bridge', 'db', {}, { id }),
      controller.newEndpoint('db', 'e1'),
    ] as const
    expect((await lab.do(Promise.allSettled(both))).map((one) => one.status)).toEqual([
      'fulfilled',
      'fulfilled',
    ])
  })

  it('the future is no moment of the past', async () => {
    const { controller, lab } = await withNetwork()
    await expect(lab.do(controller.asOf('#9999'))).rejects.toMatchObject({ code: 'ERR_INVALID' })
  })

  it('half a surrogate pair and a strange host name are refused with their fields', async () => {
    const { controller, lab } = await withNetwork()
    const code = (work: Promise<unknown>): Promise<unknown> =>
      lab.do(
        work.then(
          () => 'was not refused',
          (error: unknown) => (error as { code: string }).code,
        ),
      )
    expect(await code(controller.newSandbox('b', { labels: { x: '\ud800' } }))).toBe('ERR_INVALID')
    expect(await code(controller.newSandbox('b', { hostname: 'a b' }))).toBe('ERR_INVALID')
  })

  it('an actor of nothing is refused', async () => {
    const { controller } = await withNetwork()
    expect(() => controller.actor('nothing')).toThrow(expect.objectContaining({ code: 'ERR_NOT_FOUND' }))
    expect(controller.actor('web').id).toBe(controller.actor(controller.network('web').id).id)
  })
})

describe('a controller', () => {
  it('refuses a driver that it does not have', async () => {
    const lab = new Lab()
    await expect(lab.open({ drivers: { carrier: {} } })).rejects.toMatchObject({ code: 'ERR_DRIVER_UNKNOWN' })
  })

  it('refuses everything once it is closed', async () => {
    const { controller, lab } = await withNetwork()
    await lab.do(controller.close())
    const error: unknown = await lab.do(controller.newSandbox('b')).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(EngineError)
    expect(error).toMatchObject({ code: 'ERR_CLOSED' })
  })

  it('verifies its chain', async () => {
    const { controller, lab } = await withNetwork()
    await lab.ports.time.runFor(50)
    const verdict = await lab.do(controller.verify())
    expect(verdict.damage).toBeUndefined()
    expect(verdict.commits).toBe(5)
    expect(verdict.head).toMatch(/^[0-9a-f]{64}$/)
  })

  it('is alone on its data directory', async () => {
    const { lab } = await withNetwork()
    await expect(lab.open()).rejects.toMatchObject({ code: 'ERR_STORE_LOCKED' })
  })
})
