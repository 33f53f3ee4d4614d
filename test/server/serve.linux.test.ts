/** Engines as processes on a real kernel: served, killed, stopped, closed, and asked by strangers. */
import { execFile, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ClientCommand } from '../../events/index.ts'
import type { Given, Operations } from '../../src/operations/operations.ts'
import { connectEngine, openOperations } from '../../src/server/client.ts'
import type { RemoteOperations } from '../../src/server/remote.ts'
import { socketIn } from '../../src/server/place.ts'
import { openDisk } from '../../src/storage/disk.ts'
import { RealHost } from '../linux/host.ts'

const childPath = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const NOBODY = 65534
const GIVEN: Given = { actor: { kind: 'cli' } }

const network: ClientCommand = {
  data: { driver: 'bridge', ipv6: false, name: 'web', subnets: [{ subnet: '10.9.0.0/24' }] },
  type: 'network.create',
}
const sandbox = (name: string): ClientCommand => ({ data: { name }, type: 'sandbox.create' })
const attach = (name: string): ClientCommand => ({ data: { network: 'web', sandbox: name }, type: 'connect' })

/** A process that has the host's data directory and serves it. */
async function startEngine({ dataDir, netns, runDir }: RealHost): Promise<ChildProcess> {
  const child = fork(childPath('engine.child.ts'), [dataDir, runDir, netns], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('it died'))),
  ])
  return child
}

async function end(engine: ChildProcess, how: 'SIGKILL' | 'close'): Promise<void> {
  const ended = once(engine, 'exit')
  if (how === 'close') engine.send('close')
  else engine.kill(how)
  await ended
}

async function enter(host: RealHost): Promise<RemoteOperations> {
  const remote = await connectEngine(host)
  if (remote === undefined) throw new Error('nobody serves')
  onTestFinished(() => remote.close())
  return remote
}

const socketOf = async ({ dataDir, runDir }: RealHost): Promise<string> =>
  socketIn(join(runDir, (await readFile(join(dataDir, 'origin'), 'utf8')).slice(0, 12)))

/** What a command does that finds nobody to speak to: it takes the lock. */
const lockOf = (host: RealHost) => async (): Promise<Operations> => {
  const disk = await openDisk(host, { role: 'command' })
  await disk.close()
  throw new TypeError('opened here')
}

describe('an engine in a process of its own', () => {
  it('works for others, and after its death its successor does, in the same place', async () => {
    await using host = await RealHost.make()
    const first = await startEngine(host)
    const ann = await enter(host)
    const { commit } = await ann.dispatch(network, GIVEN)
    expect(commit.actor).toMatchObject({ kind: 'socket', verified: { pid: process.pid, uid: 0 } })
    await ann.dispatch(sandbox('a'), GIVEN)
    const bob = await enter(host)
    const seen = bob.commits({ follow: true, from: commit.seq })[Symbol.asyncIterator]()
    const joined = await ann.dispatch(attach('a'), GIVEN)
    const last = joined.settled?.seq ?? 0
    while (await seen.next().then(({ done, value }) => done !== true && value.seq < last));
    expect(await host.do('ip -br link show type veth')).toContain('UP')
    expect(await bob.status()).toMatchObject({ holder: { pid: first.pid } })
    const holder = JSON.parse(await readFile(join(host.dataDir, 'holder'), 'utf8')) as unknown
    expect(holder).toMatchObject({ pid: first.pid, role: 'engine' })

    // It hears the command no more, and the client knows no more than that.
    first.kill('SIGSTOP')
    const lost = ann.dispatch(sandbox('b'), GIVEN).catch((error: unknown) => error)
    await end(first, 'SIGKILL')
    const error = (await lost) as { readonly details: { readonly id: Given['id'] & string } }
    expect(error).toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN' })
    await expect(seen.next()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await access(await socketOf(host))
    expect(await connectEngine(host)).toBeUndefined()
    await expect(openOperations(host, lockOf(host))).rejects.toThrow('opened here')

    const second = await startEngine(host)
    const cid = await enter(host)
    expect(cid.greeting.pid).toBe(second.pid)
    const again = { ...GIVEN, id: error.details.id }
    const done = await cid.dispatch(sandbox('b'), again)
    expect((await cid.dispatch(sandbox('b'), again)).commit.seq).toBe(done.commit.seq)
    await cid.dispatch(attach('b'), GIVEN)
    const { endpoints } = await cid.picture()
    expect(endpoints.map(({ state }) => state)).toEqual(['joined', 'joined'])
    for (const name of ['a', 'b'])
      await cid.dispatch({ data: { sandbox: name }, type: 'sandbox.delete' }, GIVEN)
    await cid.dispatch({ data: { network: 'web' }, type: 'network.delete' }, GIVEN)

    await end(second, 'close')
    expect(second.exitCode).toBe(0)
    await expect(cid.status()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await expect(access(await socketOf(host))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(access(join(host.dataDir, 'holder'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('that is stopped is waited for, then named', async () => {
    await using host = await RealHost.make()
    const engine = await startEngine(host)
    engine.kill('SIGSTOP')
    await expect(openOperations(host, lockOf(host), 300)).rejects.toMatchObject({
      code: 'ERR_STORE_LOCKED',
      details: { holder: { pid: engine.pid, role: 'engine' } },
    })
    const waiting = openOperations(host, lockOf(host))
    engine.kill('SIGCONT')
    const remote = await waiting
    expect(await remote.status()).toMatchObject({ holder: { pid: engine.pid } })
    await remote.close()
    await end(engine, 'close')
  })

  it('keeps strangers out: by the modes, and whatever the modes say, by their uid', async () => {
    await using host = await RealHost.make()
    const engine = await startEngine(host)
    const socket = await socketOf(host)
    const as = async (uid: number): Promise<unknown> => {
      const args = ['--import', 'tsx', childPath('stranger.child.ts'), socket]
      const { stdout } = await promisify(execFile)(process.execPath, args, { gid: uid, uid })
      return JSON.parse(stdout) as unknown
    }
    await expect(as(NOBODY)).rejects.toThrow('EACCES')
    for (const directory of [host.base, host.runDir, dirname(socket)]) await chmod(directory, 0o755)
    await chmod(socket, 0o666)
    expect(await as(NOBODY)).toMatchObject([
      { error: { code: 'ERR_NOT_PERMITTED', details: { uid: NOBODY } } },
    ])
    expect(await (await enter(host)).status()).toMatchObject({ holder: { pid: engine.pid } })
    await end(engine, 'close')
  })
})
