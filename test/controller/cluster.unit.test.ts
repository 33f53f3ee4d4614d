/** A cluster as an option of the library, and as methods of the controller. */
import { describe, expect, it } from 'vitest'
import { resolve } from 'node:path'
import { Scene, SERVERS } from '../cluster/scene.ts'

const cluster = { host: 'east', servers: SERVERS }

describe('a controller with a cluster', () => {
  it('joins it once, and not again where the log says it already', async () => {
    const scene = new Scene()
    const east = await scene.open('east', {}, { cluster })
    const west = await scene.member('west')
    await scene.pass()
    expect((await scene.lab.do(east.clusterStatus())).state).toBe('connected')
    expect(await scene.copyOf(west, 'east')).toEqual(await scene.logOf(east))
    await scene.lab.do(east.close())
    const again = await scene.open('east', {}, { cluster })
    const joins = (await scene.logOf(again)).filter((text) => text.includes('"ClusterJoined"'))
    expect(joins).toHaveLength(1)
    await scene.lab.do(again.joinCluster({ ...cluster, host: 'orient' }))
    await scene.pass()
    expect((await scene.lab.do(west.clusterStatus())).peers).toMatchObject([{ host: 'orient' }])
    await scene.lab.do(again.leaveCluster())
    await scene.pass()
    expect((await scene.lab.do(again.clusterStatus())).state).toBe('alone')
    await expect(scene.lab.do(again.leaveCluster())).rejects.toMatchObject({ code: 'ERR_STATE' })
  })

  it('is not opened while it cannot join for the first time, and is when it has joined', async () => {
    const scene = new Scene()
    scene.arbiter.cut('east')
    await expect(scene.open('east', {}, { cluster })).rejects.toMatchObject({
      code: 'ERR_CLUSTER_UNAVAILABLE',
    })
    scene.arbiter.heal('east')
    await scene.lab.do((await scene.open('east', {}, { cluster })).close())
    scene.arbiter.cut('east')
    const again = await scene.open('east', {}, { cluster })
    await scene.lab.do(again.newSandbox('local'))
    await scene.pass(10_000)
    expect((await scene.lab.do(again.clusterStatus())).state).toBe('connecting')
  })

  it('names files whole: the log outlives the working directory', async () => {
    const scene = new Scene()
    const east = await scene.open(
      'east',
      {},
      { cluster: { ...cluster, ca: 'ca.pem', allowLegacyServer: true } },
    )
    expect((await scene.lab.do(east.clusterStatus())).access).toEqual({
      allowLegacyServer: true,
      ca: resolve('ca.pem'),
      servers: SERVERS,
    })
    await scene.lab.do(east.joinCluster({ ...cluster, ca: resolve('ca.pem'), allowLegacyServer: true }))
    expect((await scene.logOf(east)).filter((text) => text.includes('"ClusterJoined"'))).toHaveLength(1)
  })
})
