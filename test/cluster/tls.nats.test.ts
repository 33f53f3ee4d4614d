/** Hosts that speak to a real nats-server by TLS only: each side proves who it is, and no secret comes into a log. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { BusOptions } from '../../src/bus/bus.ts'
import { makeCertificates } from '../bus/certificates.ts'
import { CURRENT_SERVER, NatsServer } from '../bus/server.ts'
import { scratch } from '../events/support.ts'
import { caughtUp, closeAll, host, texts } from './real-hosts.ts'

const running: NatsServer[] = []
afterEach(async () => {
  await closeAll()
  for (const server of running.splice(0)) await server.remove()
})

async function start(config = ''): Promise<NatsServer> {
  const server = await NatsServer.start({ config, program: CURRENT_SERVER ?? '' })
  running.push(server)
  return server
}

const codeOf = (of: Promise<unknown>): Promise<unknown> =>
  of.then(
    () => 'done',
    (error: unknown) => (error as { readonly code: string }).code,
  )

describe.skipIf(CURRENT_SERVER === undefined)('hosts and a nats-server with certificates', () => {
  it('know each other by them, and say nothing to anybody else', async () => {
    const dir = await scratch()
    const [ours, others] = [makeCertificates(dir, 'ours'), makeCertificates(dir, 'others')]
    const { certificate, key } = ours.server
    const server = await start(
      `tls { cert_file: "${certificate}", key_file: "${key}", ca_file: "${ours.ca}", verify: true }`,
    )
    const servers = [server.url.replace('nats:', 'tls:')]
    const [east, west] = await Promise.all(
      ['east', 'west'].map((name) => host({ dataDir: join(dir, name), runDir: join(dir, name, 'run') })),
    )
    if (east === undefined || west === undefined) throw new Error('they are two')
    const join1 = (one: typeof east, name: string, access: Omit<BusOptions, 'servers'>): Promise<unknown> =>
      one.dispatch({ data: { host: name, servers, ...access }, type: 'cluster.join' })
    const { seq } = east.engine.log.decided

    const missing = { ca: join(dir, 'none.pem') }
    expect(await codeOf(join1(east, 'east', missing))).toBe('ERR_NOT_FOUND')
    // No authority that the machine trusts has signed it; another one has not either.
    expect(await codeOf(join1(east, 'east', {}))).toBe('ERR_CLUSTER_UNAVAILABLE')
    expect(await codeOf(join1(east, 'east', { ca: others.ca, ...ours.client }))).toBe(
      'ERR_CLUSTER_UNAVAILABLE',
    )
    // The server wants to know us.
    expect(await codeOf(join1(east, 'east', { ca: ours.ca }))).not.toBe('done')
    expect(await codeOf(join1(east, 'east', { ca: ours.ca, ...others.client }))).not.toBe('done')
    expect(east.engine.log.decided.seq).toBe(seq)

    for (const [one, name] of [
      [east, 'east'],
      [west, 'west'],
    ] as const)
      await join1(one, name, { ca: ours.ca, ...ours.client })
    await east.newSandbox('seen-by-tls')
    await caughtUp(west, east)
    const log = (await texts(west.peerCommits('east'))).join('\n')
    expect(log).toContain(ours.client.key)
    for (const file of [ours.client.key, ours.client.certificate, ours.ca])
      expect(log).not.toContain(readFileSync(file, 'utf8').split('\n')[1])
  })

  it('do not speak without TLS where they were told tls://, whatever the server offers', async () => {
    const dir = await scratch()
    const server = await start()
    const east = await host({ dataDir: join(dir, 'east'), runDir: join(dir, 'run') })
    const servers = [server.url.replace('nats:', 'tls:')]
    expect(await codeOf(east.dispatch({ data: { host: 'east', servers }, type: 'cluster.join' }))).toBe(
      'ERR_CLUSTER_UNAVAILABLE',
    )
  })
})
