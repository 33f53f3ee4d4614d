/** Servers that cannot be used: each says which code, and what to do about it. */
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { EngineError } from '../../events/index.ts'
import type { Bus, BusOptions } from '../../src/bus/bus.ts'
import { openNatsBus } from '../../src/bus/nats.ts'
import { messageOf } from './messages.ts'
import { CURRENT_SERVER, freePort, LEGACY_SERVER, NatsServer, type ServerOptions } from './server.ts'

const STREAM = { name: 'REFUSALS', subjects: 'refusals.*' }
const running: NatsServer[] = []

async function start(options: Omit<ServerOptions, 'program'>, program = CURRENT_SERVER): Promise<BusOptions> {
  const server = await NatsServer.start({ ...options, program: program ?? '' })
  running.push(server)
  return { servers: [server.url] }
}

const refusalOf = (options: BusOptions): Promise<EngineError> =>
  openNatsBus(options, STREAM).then(
    async (bus: Bus) => {
      await bus.close()
      throw new Error('it was opened')
    },
    (error: unknown) => error as EngineError,
  )

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.remove()))
})

describe('a server that is not there', () => {
  it('is unavailable, at a port where nobody listens and at a name that nobody has', async () => {
    for (const servers of [[`nats://127.0.0.1:${await freePort()}`], ['nats://nowhere.invalid:4222']]) {
      const { code, message } = await refusalOf({ servers })
      expect(code).toBe('ERR_CLUSTER_UNAVAILABLE')
      expect(message).toContain(servers[0])
    }
  })
})

describe.skipIf(CURRENT_SERVER === undefined)('a server', () => {
  it('is found among several of which others are not there', async () => {
    const { servers } = await start({})
    const bus = await openNatsBus({ servers: [`nats://127.0.0.1:${await freePort()}`, ...servers] }, STREAM)
    expect((await bus.state()).messages).toBe(0)
    await bus.close()
  })

  it('that keeps no streams is unsupported, and says what to enable', async () => {
    const { code, message } = await refusalOf(await start({ jetStream: false }))
    expect(code).toBe('ERR_SERVER_UNSUPPORTED')
    expect(message).toContain('enable JetStream')
  })

  it('that wants other credentials does not permit it', async () => {
    const locked = await start({ config: 'authorization { user: somebody, password: else }' })
    expect((await refusalOf(locked)).code).toBe('ERR_NOT_PERMITTED')
    const credentials = join(tmpdir(), `chronet-test-${process.pid}.nk`)
    await writeFile(credentials, 'SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY')
    expect((await refusalOf({ ...locked, credentials })).code).toBe('ERR_NOT_PERMITTED')
    await rm(credentials)
  })

  it('that offers no TLS is not spoken to where TLS was said, and it is told who said so, and what to do', async () => {
    const { servers } = await start({})
    const secure = servers.map((server) => server.replace('nats://', 'tls://'))
    const { code, message } = await refusalOf({ servers: secure })
    expect(code).toBe('ERR_CLUSTER_UNAVAILABLE')
    expect(message).toContain(
      `offers no TLS, and is spoken to by TLS or not at all, since ${secure[0] ?? ''} says so`,
    )
    expect(message).toContain('tls {}')
  })

  it('is not even asked with files that are not there, or hold nothing of the kind', async () => {
    const servers = ['nats://nowhere.invalid:4222']
    const none = join(tmpdir(), `chronet-test-${process.pid}.none`)
    for (const name of ['ca', 'certificate', 'credentials', 'key'] as const) {
      const { code, message } = await refusalOf({ [name]: none, servers })
      expect([code, message]).toEqual([
        'ERR_NOT_FOUND',
        expect.stringContaining(`there is no file ${none}; give`),
      ])
    }
    expect(await refusalOf({ credentials: tmpdir(), servers })).toMatchObject({ code: 'ERR_INVALID' })
    await writeFile(none, 'nothing of the kind')
    expect(await refusalOf({ credentials: none, servers })).toMatchObject({ code: 'ERR_INVALID' })
    await rm(none)
  })

  it('that lets us in and forbids all else does not permit it', async () => {
    const config = `authorization { users: [{ user: u, password: p, permissions: { publish: "x", subscribe: "_INBOX.>" } }] }
      no_auth_user: u`
    const { code, message } = await refusalOf(await start({ config }))
    expect(code).toBe('ERR_NOT_PERMITTED')
    expect(message).toContain('Permissions Violation')
  })

  it('that forbids one subject does not permit what goes there', async () => {
    const config = `authorization { users: [{ user: u, password: p, permissions: { publish: { deny: "refusals.b" } } }] }
      no_auth_user: u`
    const bus = await openNatsBus(await start({ config }), STREAM)
    expect(await bus.publish(messageOf('refusals.a', 'a1'), 0)).toMatchObject({ kind: 'stored' })
    const published = bus.publish(messageOf('refusals.b', 'b1'), 0)
    await expect(published).rejects.toMatchObject({ code: 'ERR_NOT_PERMITTED' })
    expect(await bus.last('refusals.b')).toBeUndefined()
    await bus.close()
  })
})

describe.skipIf(LEGACY_SERVER === undefined)('an old server', () => {
  it('is unsupported, unless it is allowed', async () => {
    const old = await start({}, LEGACY_SERVER)
    const { code, message } = await refusalOf(old)
    expect(code).toBe('ERR_SERVER_UNSUPPORTED')
    expect(message).toMatch(/nats-server 2\.\d+\.\d+ is too old/)
    const bus = await openNatsBus({ ...old, allowLegacyServer: true }, STREAM)
    expect(bus.server.version).toMatch(/^2\.\d\./)
    await bus.close()
  })
})
