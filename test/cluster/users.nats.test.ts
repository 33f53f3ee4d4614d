/** Users that the example makes, as NKeys and as JWTs: hosts that are let in, write as themselves, and as nobody else. */
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { openNatsBus } from '../../src/bus/nats.ts'
import { CLAIM_STREAM } from '../../src/cluster/claims/subjects.ts'
import { LOG_STREAM, subjectOf } from '../../src/cluster/message.ts'
import { CURRENT_SERVER, NatsServer } from '../bus/server.ts'
import { scratch } from '../events/support.ts'
import { caughtUp, closeAll, host } from './real-hosts.ts'

const PROGRAM = fileURLToPath(new URL('../../examples/cluster/make-users.ts', import.meta.url))
const EXAMPLE = new URL('../../examples/cluster/nats-server.conf', import.meta.url)

const make = (...words: readonly string[]): string =>
  execFileSync(process.execPath, ['--import', 'tsx', PROGRAM, ...words], { encoding: 'utf8' })

/** Everything of a host's user that is quoted: what it may publish and hear. */
const subjectsIn = (text: string): readonly string[] =>
  [...text.matchAll(/"((?:chronet|_INBOX|\$JS)\.[^"]*)"/g)].map(([, subject]) => subject ?? '')

let server: NatsServer | undefined
afterEach(async () => {
  await closeAll()
  await server?.remove()
  server = undefined
})

describe.skipIf(CURRENT_SERVER === undefined)('users that are made as the example makes them', () => {
  it.each([
    ['seed', []],
    ['creds', ['--jwt']],
  ] as const)('write as the host that they are, by a .%s', async (end, flags) => {
    const dir = await scratch()
    const [east, west] = await Promise.all(
      ['east', 'west'].map((name) => host({ dataDir: join(dir, name), runDir: join(dir, name, 'run') })),
    )
    if (east === undefined || west === undefined) throw new Error('they are two')
    const users = join(dir, 'users')
    make(users, `east=${east.id}`, ...flags)
    const file = (name: string): string => join(users, `${name}.${end}`)
    const first = await readFile(file('east'))
    // A further host: what was made stays, and the servers of JWTs need not hear of it.
    make(users, `east=${east.id}`, `west=${west.id}`, ...flags)
    if (end === 'seed') expect(await readFile(file('east'))).toEqual(first)
    for (const name of ['admin', 'east', 'west']) expect((await stat(file(name))).mode & 0o777).toBe(0o600)
    const config = await readFile(join(users, 'users.conf'), 'utf8')
    server = await NatsServer.start({ config, program: CURRENT_SERVER ?? '' })
    const servers = [server.url]
    for (const stream of [LOG_STREAM, CLAIM_STREAM])
      await (await openNatsBus({ credentials: file('admin'), servers }, stream)).close()
    for (const [one, name] of [
      [east, 'east'],
      [west, 'west'],
    ] as const)
      await one.joinCluster({ credentials: file(name), host: name, servers })
    await caughtUp(west, east)
    await east.newNetwork('test', 'shared')

    const bus = await openNatsBus({ credentials: file('west'), servers }, LOG_STREAM)
    const forged = {
      headers: {},
      id: 'forged',
      payload: Buffer.from('{}'),
      subject: subjectOf(east.engine.log.origin),
    }
    const last = await bus.last(subjectOf(east.engine.log.origin))
    await expect(bus.publish(forged, last?.seq ?? 0)).rejects.toMatchObject({ code: 'ERR_NOT_PERMITTED' })
    await caughtUp(west, east)
    // East goes on publishing meanwhile, and nobody stands in its way.
    expect((await bus.last(subjectOf(east.engine.log.origin)))?.id).not.toBe('forged')
    expect(await east.clusterStatus()).toMatchObject({ state: 'connected' })
    await bus.close()
  })

  it('may do what the example of a configuration says', async () => {
    const dir = await scratch()
    await mkdir(dir, { recursive: true })
    const origin = '1'.padStart(64, '0')
    make(dir, `host-a=${origin}`)
    const made = subjectsIn(await readFile(join(dir, 'users.conf'), 'utf8'))
    const told = subjectsIn(await readFile(EXAMPLE, 'utf8'))
    expect([...made].sort()).toEqual([...told].sort())
  })
})
