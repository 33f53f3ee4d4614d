/** Hosts on real nats-servers: history is shared, whatever becomes of the servers, and nobody writes as another. */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nkeys } from 'nats'
import { afterEach, describe, expect, it } from 'vitest'
import { openNatsBus } from '../../src/bus/nats.ts'
import { CLAIM_STREAM } from '../../src/cluster/claims/subjects.ts'
import { LOG_STREAM } from '../../src/cluster/message.ts'
import type { Controller } from '../../src/index.ts'
import { CURRENT_SERVER, NatsServer } from '../bus/server.ts'
import { scratch } from '../events/support.ts'
import { caughtUp, closeAll, host as hostAt, texts } from './real-hosts.ts'

const running: NatsServer[] = []

const host = (dir: string): Promise<Controller> =>
  hostAt({ dataDir: join(dir, 'data'), runDir: join(dir, 'run') })

const join1 = (controller: Controller, name: string, servers: readonly string[], credentials?: string) =>
  controller.dispatch({
    data: { ...(credentials === undefined ? {} : { credentials }), host: name, servers },
    type: 'cluster.join',
  })

afterEach(async () => {
  await closeAll()
  for (const server of running.splice(0)) await server.remove()
})

const start = async (config = ''): Promise<NatsServer> => {
  const server = await NatsServer.start({ config, program: CURRENT_SERVER ?? '' })
  running.push(server)
  return server
}

describe.skipIf(CURRENT_SERVER === undefined)('hosts on a nats-server', () => {
  it('share their whole logs, while they write and the server is killed', async () => {
    const server = await start()
    const dir = await scratch()
    const [east, west] = [await host(join(dir, 'east')), await host(join(dir, 'west'))]
    await join1(east, 'east', [server.url])
    await join1(west, 'west', [server.url])
    const network = await east.newNetwork('bridge', 'web')
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 40 }, (_, i) => east.newEndpoint(network, `e${round}-${i}`)))
      if (round === 1) await server.kill()
      if (round === 3) await server.restart()
    }
    await caughtUp(west, east)
    expect(await texts(west.peerCommits('east'))).toEqual(await texts(east.commits()))
    const { problem, state } = await west.clusterStatus()
    expect([state, problem]).toEqual(['connected', undefined])
  })

  it('go on without one of three servers, and without two keep all that is local going', async () => {
    const servers = await NatsServer.startThree({ program: CURRENT_SERVER ?? '' })
    running.push(...servers)
    const urls = servers.map(({ url }) => url)
    const dir = await scratch()
    const [east, west] = [await host(join(dir, 'east')), await host(join(dir, 'west'))]
    await join1(east, 'east', urls)
    await join1(west, 'west', urls)
    await servers[0]?.kill()
    await east.newSandbox('without-one')
    await caughtUp(west, east)
    await servers[1]?.kill()
    await east.newSandbox('without-two')
    expect(east.queries.sandboxes()).toHaveLength(2)
    await servers[0]?.restart()
    await servers[1]?.restart()
    await caughtUp(west, east)
    expect(await texts(west.peerCommits('east'))).toEqual(await texts(east.commits()))
  })

  it('say so at once when their server is gone, and claim nothing, until it is back', async () => {
    const server = await start()
    const east = await host(join(await scratch(), 'east'))
    await join1(east, 'east', [server.url])
    await east.newNetwork('test', 'before')
    await server.kill()
    const startMs = performance.now()
    const told = async () => (await east.clusterStatus()).problem
    for (let waited = 0; (await told()) === undefined && waited < 100; waited++)
      await new Promise((resolve) => setTimeout(resolve, 50))
    expect(performance.now() - startMs).toBeLessThan(4000)
    expect(await east.clusterStatus()).toMatchObject({
      problem: { code: 'ERR_CLUSTER_UNAVAILABLE' },
      state: 'connecting',
    })
    const askedMs = performance.now()
    for (const name of ['one', 'two'])
      await expect(east.newNetwork('test', name)).rejects.toMatchObject({
        code: 'ERR_CLUSTER_UNAVAILABLE',
        message: expect.stringMatching(
          /^nothing can be claimed in the cluster now: (?!nothing).*; what is local goes on$/,
        ) as string,
      })
    expect(performance.now() - askedMs).toBeLessThan(1000)
    await server.restart()
    for (let waited = 0; (await told()) !== undefined && waited < 200; waited++)
      await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await east.clusterStatus()).toMatchObject({ state: 'connected' })
    const left = () => east.leaveCluster().catch((error: unknown) => error)
    for (let waited = 0; (await left()) !== undefined && waited < 100; waited++)
      await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await east.clusterStatus()).toMatchObject({ state: 'alone' })
  })

  it('cannot write as another host', async () => {
    const dir = await scratch()
    await mkdir(dir, { recursive: true })
    const [east, west] = [await host(join(dir, 'east')), await host(join(dir, 'west'))]
    const [admin, ...users] = await Promise.all(['admin', 'east', 'west'].map((name) => userIn(dir, name)))
    // West is given east's subject: what it must not have.
    const config = configFor([admin?.publicKey ?? '', ...users.map(({ publicKey }) => publicKey)], east.id)
    const server = await start(config)
    const codeOf = (of: Promise<unknown>): Promise<unknown> =>
      of.then(
        () => 'done',
        (error: unknown) => (error as { readonly code: string }).code,
      )
    expect(await codeOf(join1(east, 'east', [server.url]))).toBe('ERR_NOT_PERMITTED')
    expect(await codeOf(join1(east, 'east', [server.url], join(dir, 'none')))).toBe('ERR_NOT_FOUND')
    // Who may make the stream makes it; hosts may not.
    for (const stream of [LOG_STREAM, CLAIM_STREAM])
      await (await openNatsBus({ credentials: admin?.file ?? '', servers: [server.url] }, stream)).close()
    await join1(east, 'east', [server.url], users[0]?.file)
    await join1(west, 'west', [server.url], users[1]?.file)
    await caughtUp(west, east)
    for (let waited = 0; (await west.clusterStatus()).problem === undefined && waited < 100; waited++)
      await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await west.clusterStatus()).problem?.code).toBe('ERR_NOT_PERMITTED')
    expect((await east.clusterStatus()).peers).toEqual([])
  })
})

type User = { readonly file: string; readonly publicKey: string }

type KeyPair = { readonly getPublicKey: () => string; readonly getSeed: () => Uint8Array }

async function userIn(dir: string, name: string): Promise<User> {
  // The client's own types do not reach this part of it.
  const keys = nkeys as { readonly createUser: () => KeyPair }
  const pair = keys.createUser()
  const file = join(dir, `${name}.seed`)
  await writeFile(file, pair.getSeed())
  return { file, publicKey: pair.getPublicKey() }
}

/** The users of the example's configuration with these keys; each host may publish as that origin. */
function configFor([admin = '', ...hosts]: readonly string[], origin: string): string {
  const example = readFileSync(new URL('../../examples/cluster/nats-server.conf', import.meta.url), 'utf8')
  const authorization = example.slice(example.indexOf('authorization {'))
  const [, one = ''] =
    /(\{\s*nkey: [^{]*permissions: \{\s*publish: \[\s*"chronet[^}]*\}\s*\})/.exec(authorization) ?? []
  const all = hosts.map((key) => one.replace(/U[A-Z2-7]{55}/, key).replace(/[0-9a-f]{64}/, origin)).join('\n')
  return authorization.replace(/U[A-Z2-7]{55}/, admin).replace(one, all)
}
