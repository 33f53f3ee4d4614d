/** How far a peer's log here is behind what it has published. */
import { expect, it } from 'vitest'
import { behindOf } from '../../src/cluster/behind.ts'
import { LOG_STREAM } from '../../src/cluster/message.ts'
import type { PeerRecord } from '../../src/cluster/peer-logs.ts'
import type { Seq } from '../../events/index.ts'
import { simulatedBus } from '../../src/simulator/bus.ts'
import { Scene, SERVERS } from './scene.ts'

it('counts the commits that are in the stream and not here', async () => {
  const scene = new Scene()
  const east = await scene.member('east')
  const west = await scene.member('west')
  for (const name of ['a', 'b', 'c']) await scene.lab.do(west.newSandbox(name))
  await scene.pass()
  const { peers } = await scene.lab.do(east.clusterStatus())
  expect(peers).toMatchObject([{ behind: 0, host: 'west', seq: west.engine.log.durable.seq }])

  const openBus = simulatedBus(scene.arbiter, { host: 'probe', timers: scene.lab.ports.timers })
  const bus = await scene.lab.do(openBus({ servers: SERVERS }, LOG_STREAM))
  const [{ behind: _, ...record } = {}] = peers
  const here = { ...record, seq: (west.engine.log.durable.seq - 4) as Seq } as PeerRecord
  expect(await scene.lab.do(behindOf(bus, [here], false))).toEqual(new Map([[west.id, 4]]))
  // Where all was read it can only be that its log is taken no further.
  expect(await scene.lab.do(behindOf(bus, [here], true))).toEqual(new Map([[west.id, 0]]))
  const broken = { ...here, broken: 'it does not follow' }
  expect(await scene.lab.do(behindOf(bus, [broken], true))).toEqual(new Map([[west.id, 4]]))
})

it('is not told where no server answers', async () => {
  const scene = new Scene()
  const east = await scene.member('east')
  await scene.member('west')
  await scene.pass()
  scene.arbiter.cut('east')
  await scene.pass(10_000)
  const { peers } = await scene.lab.do(east.clusterStatus())
  expect(peers.map(({ behind, host }) => [host, behind])).toEqual([['west', undefined]])
})
