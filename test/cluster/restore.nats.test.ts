/** A host that lost its disk, on a real nats-server: it is what it was, and goes on; an older copy of it is brought up when it starts. */
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openNatsBus } from '../../src/bus/nats.ts'
import { restore } from '../../src/operations/restore.ts'
import { openDisk } from '../../src/storage/disk.ts'
import { sha256 } from '../../src/system/hash.ts'
import { CURRENT_SERVER, NatsServer } from '../bus/server.ts'
import { say } from '../cli/lab.ts'
import { scratch } from '../events/support.ts'
import { caughtUp, closeAll, host, texts } from './real-hosts.ts'

const running: NatsServer[] = []
afterEach(async () => {
  await closeAll()
  for (const server of running.splice(0)) await server.remove()
})

const timers = { afterTurn: setImmediate, later: (ms: number, run: () => void) => void setTimeout(run, ms) }
const ports = { hash: sha256, openBus: openNatsBus, openDisk, timers }

describe.skipIf(CURRENT_SERVER === undefined)('a host on a nats-server', () => {
  it('gets back what its disk lost, in a new epoch, and its peers see one history', async () => {
    const server = await NatsServer.start({ program: CURRENT_SERVER ?? '' })
    running.push(server)
    const dir = await scratch()
    const [place, later] = ['east', 'east-again'].map((name) => ({
      dataDir: join(dir, 'east', 'data'),
      runDir: join(dir, name, 'run'),
    })) as [{ dataDir: string; runDir: string }, { dataDir: string; runDir: string }]
    const west = await host({ dataDir: join(dir, 'west'), runDir: join(dir, 'west', 'run') })
    const first = await host(place)
    for (const [one, name] of [
      [first, 'east'],
      [west, 'west'],
    ] as const)
      await one.dispatch({ data: { host: name, servers: [server.url] }, type: 'cluster.join' })
    const network = await first.newNetwork('bridge', 'web')
    await Promise.all(Array.from({ length: 200 }, (_, i) => first.newEndpoint(network, `e${i}`)))
    await caughtUp(west, first)
    const before = await texts(first.commits())
    await first.close()

    await rm(place.dataDir, { recursive: true })
    const typed = `cluster restore ${server.url} --host east --data-dir ${later.dataDir} --run-dir ${later.runDir}`
    const trial = await say(`${typed} --dry-run`)
    expect([trial.status, trial.out]).toEqual([
      0,
      expect.stringContaining(`would be restored in ${later.dataDir}`),
    ])
    const restored = await restore(later, ports, { access: { servers: [server.url] }, host: 'east' })
    expect(restored).toMatchObject({ how: 'rebuilt', origin: first.id })
    expect((await say(typed)).out).toContain('nothing to restore')
    const second = await host(later)
    const all = await texts(second.commits())
    expect(all.slice(0, before.length)).toEqual(before)
    expect(second.queries.endpoints()).toHaveLength(200)
    await caughtUp(west, second)
    await cp(place.dataDir, join(dir, 'backup'), { recursive: true })

    await second.newSandbox('after-the-backup')
    await caughtUp(west, second)
    await second.close()
    await rm(place.dataDir, { recursive: true })
    await cp(join(dir, 'backup'), place.dataDir, { recursive: true })
    const third = await host({ ...place, runDir: join(dir, 'another-boot') })
    expect(third.recovered?.restored?.to).toBeGreaterThan(all.length)
    expect(third.queries.sandboxes()).toHaveLength(1)
    await third.newSandbox('of-the-third-life')
    const own = await texts(third.commits())
    await caughtUp(west, third)
    // The sandbox's receipt may come while we look.
    expect((await texts(west.peerCommits('east'))).slice(0, own.length)).toEqual(own)
    expect((await third.clusterStatus()).problem).toBeUndefined()
  })
})
