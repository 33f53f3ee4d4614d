/** The simulated machine's clock, ids and disks. */
import { interval, take } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createKernelWorld } from '../../src/kernel/simulated/world.ts'
import { simulatedPorts } from '../../src/simulator/ports.ts'
import { VirtualTime } from '../../src/simulator/time.ts'

const ports = (seed = 'seed') => simulatedPorts({ seed, world: createKernelWorld() })
const WHERE = { dataDir: '/var/lib/chronet', runDir: '/run/chronet' }

describe('virtual time', () => {
  it('runs events in the order of their times, and promises in between', async () => {
    const time = new VirtualTime()
    const order: string[] = []
    time.scheduler.schedule(() => order.push('late'), 20)
    time.scheduler.schedule(() => {
      order.push('early')
      void Promise.resolve().then(() => order.push('promise of early'))
    }, 10)
    time.afterTurn(() => order.push('now'))
    await time.run()
    expect(order).toEqual(['now', 'early', 'promise of early', 'late'])
    expect(time.monotonicMs()).toBe(20)
  })

  it('drives rxjs, up to a moment', async () => {
    const time = new VirtualTime()
    const ticks: number[] = []
    interval(100, time.scheduler).subscribe(() => ticks.push(time.monotonicMs()))
    await time.runFor(350)
    expect(ticks).toEqual([100, 200, 300])
    expect(time.monotonicMs()).toBe(350)
    const done: string[] = []
    interval(1, time.scheduler)
      .pipe(take(2))
      .subscribe({ complete: () => done.push('done') })
    await time.runFor(2)
    expect(done).toEqual(['done'])
  })

  it('says so when nothing is left that could settle a promise', async () => {
    await expect(new VirtualTime().until(new Promise(() => undefined))).rejects.toThrow(
      'nothing is left to happen',
    )
  })

  it('jumps in wall time only', () => {
    const time = new VirtualTime(1000)
    time.jumpWall(-400)
    expect([time.nowMs(), time.monotonicMs()]).toEqual([600, 0])
  })
})

describe('seeded ids', () => {
  it('are uuids of version 7 and the same for the same seed', () => {
    const [one, two, other] = [ports(), ports(), ports('other')]
    const ids = [one.ids.commandId(), one.ids.commandId()]
    expect(ids).toEqual([two.ids.commandId(), two.ids.commandId()])
    expect(new Set([...ids, other.ids.commandId()]).size).toBe(3)
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(one.ids.origin()).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('simulated disks', () => {
  it('keep rows in order, read and written as abstract-level does', async () => {
    const disk = await ports().openDisk(WHERE)
    const store = await disk.openStore()
    await store
      .batch()
      .put('b', '2')
      .put('a', '1')
      .put('d', '4')
      .write({ sync: true } as object)
    await store.batch([
      { key: 'c', type: 'put', value: '3' },
      { key: 'd', type: 'del' },
    ])
    expect(await store.get('a')).toBe('1')
    expect(await store.get('d')).toBeUndefined()
    expect(await store.iterator({ gte: 'b' }).all()).toEqual([
      ['b', '2'],
      ['c', '3'],
    ])
    const iterator = store.iterator({ limit: 2, reverse: true })
    await store.put('z', '9')
    expect(await iterator.nextv(10)).toEqual([
      ['c', '3'],
      ['b', '2'],
    ])
    await iterator.close()
    await store.clear({ lt: 'c' })
    expect(await store.keys().all()).toEqual(['c', 'z'])
    await disk.close()
  })

  it('are held by one engine at a time', async () => {
    const machine = ports()
    const disk = await machine.openDisk(WHERE)
    await expect(machine.openDisk(WHERE)).rejects.toMatchObject({ code: 'ERR_STORE_LOCKED' })
    await disk.close()
    expect((await machine.openDisk(WHERE)).origin).toBe(disk.origin)
  })

  it('lose in a power cut what was not synced, and the run directory', async () => {
    const machine = ports()
    const disk = await machine.openDisk(WHERE)
    const store = await disk.openStore()
    await store.batch().put('a', '1').write()
    await store
      .batch()
      .put('b', '2')
      .write({ sync: true } as object)
    await store.batch().put('c', '3').write()
    disk.writeHead({ bootId: 'boot', hash: 'hash', seq: 2 })
    machine.disks.crash()
    const again = await machine.openDisk(WHERE)
    expect(await (await again.openStore()).keys().all()).toEqual(['a', 'b'])
    expect(await again.readHead()).toBeUndefined()
  })

  it('keep in the death of an engine what was written, and take nothing more from it', async () => {
    const machine = ports()
    const disk = await machine.openDisk(WHERE)
    const store = await disk.openStore()
    await store.put('a', '1')
    disk.writeHead({ bootId: 'boot', hash: 'hash', seq: 1 })
    machine.disks.kill(WHERE.dataDir)
    let settled = false
    void store.put('b', '2').then(() => (settled = true))
    disk.writeHead({ bootId: 'boot', hash: 'hash', seq: 2 })
    const again = await machine.openDisk(WHERE)
    expect(await (await again.openStore()).keys().all()).toEqual(['a'])
    expect(await again.readHead()).toMatchObject({ seq: 1 })
    expect(settled).toBe(false)
  })

  it('fail as ordered: lost, landed, full, and lie about syncing', async () => {
    const machine = ports()
    const { faults } = machine.disks.platter(WHERE.dataDir)
    const store = await (await machine.openDisk(WHERE)).openStore()
    const write = (key: string): Promise<void> =>
      store
        .batch()
        .put(key, '')
        .write({ sync: true } as object)
    faults.push('lost', 'landed', 'lie')
    await expect(write('a')).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
    await expect(write('b')).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
    await write('c')
    expect(await store.keys().all()).toEqual(['b', 'c'])
    faults.push('full')
    await expect(write('d')).rejects.toThrow('No space left')
    await expect(write('d')).rejects.toThrow('No space left')
    machine.disks.crash()
    const again = await (await machine.openDisk(WHERE)).openStore()
    expect(await again.keys().all()).toEqual(['b'])
  })

  it('take their time to sync', async () => {
    const machine = ports()
    machine.disks.platter(WHERE.dataDir).syncMs = 3
    const store = await (await machine.openDisk(WHERE)).openStore()
    await machine.time.until(
      store
        .batch()
        .put('a', '1')
        .write({ sync: true } as object),
    )
    expect(machine.time.monotonicMs()).toBe(3)
  })
})
