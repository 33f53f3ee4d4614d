/** An engine that serves, and its clients: what crosses the socket, who asked, who waits, and how it ends. */
import { access, cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ClientCommand, CommandId } from '../../events/index.ts'
import type { Given } from '../../src/operations/operations.ts'
import { connectEngine, openOperations } from '../../src/server/client.ts'
import { CONNECTIONS_MAX } from '../../src/server/door.ts'
import { REQUESTS_MAX, WINDOW, WINDOW_MAX } from '../../src/server/protocol.ts'
import { serveEngine } from '../../src/server/server.ts'
import { openDisk } from '../../src/storage/disk.ts'
import { enter, newPlace, serve, simulated, Stranger } from './place.ts'

const GIVEN: Given = { actor: { claimed: { name: 'ann', sudoUser: 'bob' }, kind: 'cli' }, reason: 'a test' }
const network = (name: string): ClientCommand => ({
  data: { driver: 'bridge', ipv6: false, name, subnets: [{ subnet: '10.9.0.0/24' }] },
  type: 'network.create',
})
const sandbox = (name: string): ClientCommand => ({ data: { name }, type: 'sandbox.create' })

describe('a command beside an engine', () => {
  it('is done by it, and the log says who gave it: what the kernel says of them, and what they claim', async () => {
    const place = await newPlace()
    const { controller } = await serve(place)
    const remote = await enter(place)
    const { commit } = await remote.dispatch(network('web'), {
      ...GIVEN,
      actor: { ...GIVEN.actor, verified: { uid: 4711 } },
    })
    expect(controller.network('web').info.name).toBe('web')
    expect(commit).toMatchObject({
      actor: {
        claimed: { name: 'ann', sudoUser: 'bob' },
        kind: 'socket',
        verified: { pid: process.pid, uid: process.geteuid?.() },
      },
      reason: 'a test',
    })
  })

  it('hears a refusal whole, with all its problems', async () => {
    const place = await newPlace()
    await serve(place)
    const remote = await enter(place)
    const refused = remote.dispatch({ data: { mtu: 1 }, type: 'network.create' } as never, GIVEN)
    await expect(refused).rejects.toMatchObject({
      name: 'RefusedError',
      problems: [{ field: 'driver' }, { field: 'name' }],
    })
  })

  it('is done once, however often it is given with its id', async () => {
    const place = await newPlace()
    await serve(place)
    const id = 'deploy-1' as CommandId
    const one = await (await enter(place)).dispatch(sandbox('a'), { ...GIVEN, id })
    const two = await (await enter(place)).dispatch(sandbox('a'), { ...GIVEN, id })
    expect(two.commit.seq).toBe(one.commit.seq)
  })

  it('sees the same as the engine by every method', async () => {
    const place = await newPlace()
    const { controller } = await serve(place)
    const remote = await enter(place)
    await remote.dispatch(network('web'), GIVEN)
    await remote.dispatch(sandbox('a'), GIVEN)
    expect(await remote.status()).toMatchObject({
      dataDir: place.dataDir,
      holder: { pid: process.pid },
      origin: controller.id,
    })
    const { networks, sandboxes } = await remote.picture()
    expect(networks).toEqual(controller.queries.networks())
    expect(sandboxes).toEqual(controller.queries.sandboxes())
    expect((await remote.picture('#1')).networks).toEqual([])
    expect(await remote.plan()).toEqual({ open: [], orphans: [], steps: [] })
    expect(await remote.heal(GIVEN)).toEqual({ commits: [], orphans: [] })
    expect((await remote.preview(sandbox('b'), GIVEN)).facts.length).toBeGreaterThan(0)
    expect((await remote.trace('web')).subject).toMatchObject({ kind: 'network', name: 'web' })
    const positions: unknown[] = []
    for await (const { position } of remote.history({ arrival: true, from: 2 })) positions.push(position)
    const { seq } = (await remote.status()).head
    expect(positions).toEqual(Array.from({ length: seq - 1 }, (_, i) => i + 2))
    expect(await remote.known('#1')).toEqual({ peers: [], seq: 1 })
    await expect(remote.picture('now', 'west')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
    await expect(remote.trace('web', 'west')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
    expect(await remote.verify()).toEqual(await controller.verify())
    await expect(remote.trace('nobody')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
    await expect(remote.picture('yesterday')).rejects.toMatchObject({ code: 'ERR_INVALID' })
  })
})

describe('a stream of commits', () => {
  it('is the log, and goes on with what comes until it is ended', async () => {
    const place = await newPlace()
    await serve(place)
    const remote = await enter(place)
    for (let i = 0; i < WINDOW; i++) await remote.dispatch(sandbox(`s${i}`), GIVEN)
    const log = []
    for await (const { seq } of remote.commits()) log.push(seq)
    expect(log).toEqual(log.map((_, i) => i + 1))
    expect(log.length).toBeGreaterThan(2 * WINDOW)

    const live = remote.commits({ follow: true, from: log.length + 1 })[Symbol.asyncIterator]()
    const next = live.next()
    const { commit } = await remote.dispatch(sandbox('late'), GIVEN)
    expect(await next).toMatchObject({ value: commit })
    // A reader that waits is ended too.
    const waits = live.next().then(() => live.next())
    await live.return?.()
    expect(await waits).toMatchObject({ done: true })
    expect((await remote.status()).head.seq).toBeGreaterThan(log.length)
  })

  it('that nobody reads stops at its window, and holds up nothing else', async () => {
    const place = await newPlace()
    const { controller, socket } = await serve(place)
    for (let i = 0; i < WINDOW; i++) await controller.newSandbox(`s${i}`)
    const stranger = await Stranger.at(socket)
    stranger.say({ id: 1, method: 'commits' })
    for (let i = 1; i <= WINDOW; i++) expect(await stranger.hear()).toMatchObject({ item: { seq: i } })
    stranger.say({ id: 2, method: 'status' })
    expect(await stranger.hear()).toMatchObject({ id: 2, result: { dataDir: place.dataDir } })
    stranger.say({ id: 1, more: 1 })
    expect(await stranger.hear()).toMatchObject({ id: 1, item: { seq: WINDOW + 1 } })
    stranger.say({ cancel: true, id: 1 })
    expect(await stranger.hear()).toEqual({ end: true, id: 1 })
  })
})

describe('a client that asks too much', () => {
  it('may have so many requests under way, and is refused one more', async () => {
    const { socket } = await serve(await newPlace())
    const stranger = await Stranger.at(socket)
    const ids = Array.from({ length: REQUESTS_MAX }, (_, i) => i + 1)
    stranger.say(...ids.map((id) => ({ id, method: 'commits', params: [{ follow: true, from: 2 }] })))
    stranger.say({ id: 1000, method: 'status' })
    expect(await stranger.hear()).toMatchObject({ error: { code: 'ERR_BACKPRESSURE' }, id: 1000 })
    stranger.say({ cancel: true, id: 1 })
    expect(await stranger.hear()).toEqual({ end: true, id: 1 })
    stranger.say({ id: 1001, method: 'status' })
    expect(await stranger.hear()).toMatchObject({ id: 1001, result: {} })
  })

  it('may not allow more items than a maximum', async () => {
    const { socket } = await serve(await newPlace())
    const stranger = await Stranger.at(socket)
    stranger.say({ id: 1, method: 'commits', params: [{ follow: true, from: 2 }] })
    stranger.say({ id: 1, more: WINDOW_MAX - WINDOW }, { id: 2, method: 'status' })
    expect(await stranger.hear()).toMatchObject({ id: 2, result: {} })
    stranger.say({ id: 1, more: 1 })
    expect(await stranger.hearAll()).toMatchObject([{ error: { code: 'ERR_INVALID' } }])
  })

  it('is one of so many, and one more is told so', async () => {
    const place = await newPlace()
    const { socket } = await serve(place)
    const others = []
    for (let i = 0; i < CONNECTIONS_MAX; i++) others.push(await Stranger.at(socket))
    await expect(connectEngine(place)).rejects.toMatchObject({ code: 'ERR_BACKPRESSURE' })
    const [first] = others
    first?.socket.destroy()
    await expect.poll(() => connectEngine(place).catch(() => undefined)).toBeDefined()
  })

  it('and does not read is not read from, and loses nothing', async () => {
    const { controller, socket } = await serve(await newPlace())
    for (let i = 0; i < 20; i++) await controller.newSandbox(`s${i}`, { labels: { text: 'x'.repeat(4000) } })
    const stranger = await Stranger.at(socket)
    stranger.socket.pause()
    const COUNT = 5000
    for (let id = 1; id <= COUNT; id++) stranger.say({ id, method: 'picture' })
    // What the socket does not take stays with the client: the engine has stopped to read.
    await controller.newSandbox('meanwhile')
    expect(stranger.socket.writableLength).toBeGreaterThan(0)
    stranger.socket.resume()
    const heard = []
    while (heard.length < COUNT) heard.push((await stranger.hear())?.id)
    expect(new Set(heard).size).toBe(COUNT)
  })
})

describe('an engine that starts', () => {
  it('listens before it is ready, and who came early is served then', async () => {
    const place = await newPlace()
    const options = simulated(place)
    let goOn = (): void => undefined
    const held = new Promise<void>((resolve) => (goOn = resolve))
    let listens = (): void => undefined
    const listening = new Promise<void>((resolve) => (listens = resolve))
    const openKernel: NonNullable<typeof options.ports>['openKernel'] = async (how) => {
      listens()
      await held
      return (options.ports?.openKernel ?? (() => Promise.reject(new Error('no kernel'))))(how)
    }
    const starting = serveEngine({ ...options, ports: { openKernel } })
    await listening
    const remote = await enter(place)
    expect(remote.greeting).toMatchObject({ dataDir: place.dataDir, pid: process.pid, state: 'starting' })
    const done = remote.dispatch(sandbox('early'), GIVEN)
    goOn()
    await using served = await starting
    await done
    expect(served.controller.sandbox('early').info.name).toBe('early')
    expect((await enter(place)).greeting.state).toBe('ready')
  })

  it('and fails tells those who wait, and leaves no socket', async () => {
    const place = await newPlace()
    let remote: Awaited<ReturnType<typeof enter>> | undefined
    let asked: Promise<unknown> | undefined
    const openKernel = async (): Promise<never> => {
      remote = await enter(place)
      asked = remote.status().catch((error: unknown) => error)
      throw new Error('no kernel today')
    }
    await expect(serveEngine({ ...place, ports: { openKernel } })).rejects.toThrow('no kernel today')
    expect(await asked).toMatchObject({ code: 'ERR_CLOSED' })
    expect(await connectEngine(place)).toBeUndefined()
  })
})

describe('an engine that closes', () => {
  it('answers what is under way, ends its clients with a reason, and takes its socket away', async () => {
    const place = await newPlace()
    const { controller, socket } = await serve(place)
    const remote = await enter(place)
    const idle = await Stranger.at(socket)
    const live = remote.commits({ follow: true, from: 2 })[Symbol.asyncIterator]()
    const first = live.next()
    const done = remote.dispatch(sandbox('a'), GIVEN)
    await first
    await controller.close()
    await expect(done).resolves.toMatchObject({ commit: { command: { type: 'sandbox.create' } } })
    for (let next = await live.next(); next.done !== true; next = await live.next());
    await expect(remote.status()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(await idle.hearAll()).toEqual([{ bye: 'the engine closes' }])
    await expect(access(socket)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await connectEngine(place)).toBeUndefined()
  })

  it('does not wait for a client that never reads', async () => {
    const { controller, socket } = await serve(await newPlace())
    const stranger = await Stranger.at(socket)
    stranger.socket.pause()
    for (let id = 1; id <= 5000; id++) stranger.say({ id, method: 'trace', params: ['x'.repeat(500)] })
    await controller.newSandbox('a')
    await controller.close()
  })
})

describe('a data directory', () => {
  it('is opened by a command where no engine runs, and by the engine where one does', async () => {
    const place = await newPlace()
    let opened = 0
    const open = async (): Promise<never> => {
      opened++
      throw new TypeError('opened here')
    }
    await expect(openOperations(place, open)).rejects.toThrow('opened here')
    await serve(place)
    const remote = await openOperations(place, open)
    expect(opened).toBe(1)
    expect((await remote.status()).holder).toMatchObject({ pid: process.pid })
    await remote.close()
  })

  it('whose holder serves nobody is waited for, then its holder is named', async () => {
    const place = await newPlace()
    const disk = await openDisk(place, { role: 'command' })
    const open = async (): Promise<never> => {
      const second = await openDisk(place)
      await second.close()
      throw new TypeError('opened here')
    }
    await expect(openOperations(place, open, 200)).rejects.toMatchObject({
      code: 'ERR_STORE_LOCKED',
      details: { holder: { pid: process.pid, role: 'command' } },
      message: expect.stringMatching(/pid \d+ \(command: .*after 0\.2 s/) as string,
    })
    const waiting = openOperations(place, open)
    await disk.close()
    await expect(waiting).rejects.toThrow('opened here')
  })

  it('that was copied is not served by the engine of the original, nor takes its socket', async () => {
    const place = await newPlace()
    await (await serve(place)).close()
    const copy = { dataDir: `${place.dataDir}-copy`, runDir: place.runDir }
    await cp(place.dataDir, copy.dataDir, { recursive: true })
    const { socket } = await serve(place)
    await expect(connectEngine(copy)).rejects.toMatchObject({ code: 'ERR_RUN_DIR' })
    await expect(serveEngine(simulated(copy))).rejects.toMatchObject({
      code: 'ERR_RUN_DIR',
      details: { path: socket },
    })
    expect((await enter(place)).greeting.dataDir).toBe(place.dataDir)
  })

  it('has its engine take the place of a file that stands where its socket should', async () => {
    const place = await newPlace()
    const { controller, socket } = await serve(place)
    await controller.close()
    await writeFile(socket, 'rubble')
    expect(await connectEngine(place)).toBeUndefined()
    await serve(place)
    expect((await enter(place)).greeting.pid).toBe(process.pid)
  })

  it('is not served where the path of the socket is longer than a socket may have', async () => {
    const place = await newPlace()
    const runDir = join(place.runDir, 'x'.repeat(100))
    await expect(serveEngine(simulated({ ...place, runDir }))).rejects.toMatchObject({ code: 'ERR_RUN_DIR' })
    expect(await readFile(join(place.dataDir, 'origin'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/)
    expect(await connectEngine({ ...place, runDir })).toBeUndefined()
  })
})
