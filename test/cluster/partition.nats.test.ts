/** Three hosts whose server says nothing for a while: each works on, and then all have all, to the last byte. */
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Controller } from '../../src/index.ts'
import { CURRENT_SERVER, NatsServer } from '../bus/server.ts'
import { scratch } from '../events/support.ts'
import { caughtUp, closeAll, host, texts } from './real-hosts.ts'

const NAMES = ['east', 'west', 'north']
const SILENT_MS = 3000
const running: NatsServer[] = []
afterEach(async () => {
  await closeAll()
  for (const server of running.splice(0)) await server.remove()
})

const others = (all: readonly Controller[], one: Controller): readonly Controller[] =>
  all.filter((other) => other !== one)

describe.skipIf(CURRENT_SERVER === undefined)('three hosts on a nats-server', () => {
  it('converge when it speaks again, and each follows all of it by one cursor', async () => {
    const server = await NatsServer.start({ program: CURRENT_SERVER ?? '' })
    running.push(server)
    const dir = await scratch()
    const hosts = await Promise.all(
      NAMES.map((name) =>
        host({
          cluster: { host: name, servers: [server.url] },
          dataDir: join(dir, name),
          runDir: join(dir, name, 'run'),
        }),
      ),
    )
    await Promise.all(hosts.map((one) => one.newNetwork('bridge', 'web')))
    for (const one of hosts) for (const other of others(hosts, one)) await caughtUp(other, one)
    server.pause()
    await Promise.all(
      hosts.flatMap((one) => Array.from({ length: 50 }, (_, i) => one.newEndpoint('web', `e${i}`))),
    )
    await new Promise((resolve) => setTimeout(resolve, SILENT_MS))
    server.resume()
    for (const one of hosts) for (const other of others(hosts, one)) await caughtUp(other, one)
    let total = 0
    for (const one of hosts) {
      const log = await texts(one.commits())
      total += log.length
      for (const other of others(hosts, one)) expect(await texts(other.peerCommits(one.id))).toEqual(log)
    }
    for (const one of hosts) {
      const positions: number[] = []
      for await (const { position } of one.history()) positions.push(position)
      expect(positions).toEqual(Array.from({ length: total }, (_, i) => i + 1))
    }
  })
})
