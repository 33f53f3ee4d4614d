/** A host gets its log back from the cluster: onto a lost disk, a damaged one, or one with another history. Real disks, a stream in memory. */
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Seq } from '../../events/index.ts'
import { keys } from '../../events/store.ts'
import { createController, type Controller } from '../../src/index.ts'
import { restore, type RestoreOptions, type Restored } from '../../src/operations/restore.ts'
import { createKernelWorld, openSimulatedKernel } from '../../src/simulator/index.ts'
import { openDisk } from '../../src/storage/disk.ts'
import { openLevel } from '../../src/storage/level.ts'
import { systemPorts } from '../../src/system/ports.ts'
import { MemoryServers } from '../cluster/memory-bus.ts'
import { scratch } from '../events/support.ts'

/** Each sync waits for what others write on a busy machine. */
const SYNCS = { timeout: 120_000 }
const SERVERS = ['nats://servers:4222']

class Site {
  readonly dataDir: string
  readonly servers = new MemoryServers()
  readonly #base: string
  #boots = 0

  constructor(base: string) {
    this.#base = base
    this.dataDir = join(base, 'data')
  }

  static async of(sandboxes: number): Promise<Site> {
    const site = new Site(await scratch())
    const controller = await site.open()
    await controller.dispatch({ data: { host: 'east', servers: SERVERS }, type: 'cluster.join' })
    for (let i = 0; i < sandboxes; i++) await controller.newSandbox(`s${i}`)
    await published(controller)
    await controller.close()
    return site
  }

  /** Each time in another boot. */
  async open(): Promise<Controller> {
    const { hash, timers } = systemPorts()
    const world = createKernelWorld()
    return createController({
      dataDir: this.dataDir,
      ports: {
        openBus: this.servers.openBus,
        openKernel: (options) => openSimulatedKernel(world, { ...options, hash, timers }),
      },
      runDir: join(this.#base, `run${++this.#boots}`),
      scrub: false,
    })
  }

  /** Something is done while no server can be reached. */
  async aside(name: string): Promise<void> {
    this.servers.isReachable = false
    const controller = await this.open()
    await controller.newSandbox(name)
    await controller.close()
    this.servers.isReachable = true
  }

  restore(options: RestoreOptions = {}): Promise<Restored> {
    const { hash } = systemPorts()
    const timers = {
      afterTurn: setImmediate,
      later: (ms: number, run: () => void) => void setTimeout(run, ms),
    }
    const ports = { hash, openBus: this.servers.openBus, openDisk, timers }
    return restore({ dataDir: this.dataDir, runDir: join(this.#base, 'run-of-restore') }, ports, options)
  }

  /** All commits, as text. */
  async log(): Promise<readonly string[]> {
    this.servers.isReachable = false
    const disk = await openDisk({ dataDir: this.dataDir, runDir: join(this.#base, 'run-of-reader') })
    const store = await disk.openStore()
    const rows = await store.values({ gte: 'c', lt: 'd' }).all()
    await disk.close()
    this.servers.isReachable = true
    return rows
  }

  async store(change: (store: Awaited<ReturnType<typeof openLevel>>) => Promise<void>): Promise<void> {
    const store = await openLevel(join(this.dataDir, 'store'), false)
    await change(store)
    await store.close()
  }
}

async function published(controller: Controller): Promise<void> {
  // Receipts of pure success wait a little for company.
  await controller.engine.log.flush()
  for (let tries = 0; tries < 1000; tries++) {
    const { published: at } = await controller.clusterStatus()
    if (at !== undefined && at.seq === at.of) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error('nothing is published')
}

const access = { servers: SERVERS }

describe('a host whose disk is lost', SYNCS, () => {
  it.each(['east', 'id', 'beginning'])('is what it was, by its name or id (%s)', async (by) => {
    const site = await Site.of(3)
    const before = await site.log()
    const id = (await readFile(join(site.dataDir, 'origin'), 'utf8')).trim()
    await rm(site.dataDir, { recursive: true })
    const host = { beginning: id.slice(0, 6), east: 'east', id }[by] ?? ''
    const restored = await site.restore({ access, host })
    expect(restored).toEqual({ how: 'rebuilt', origin: id, seq: before.length, was: 0 })
    expect(await site.log()).toEqual(before)
    const controller = await site.open()
    expect(controller.queries.sandboxes()).toHaveLength(3)
    await controller.newSandbox('after')
    await published(controller)
    expect((await controller.clusterStatus()).problem).toBeUndefined()
    // A command that was given before the loss is still known.
    const [first] = before
      .slice(2)
      .map((row) => JSON.parse(row.slice(64)) as { command: { id: never }; seq: Seq })
    expect((await controller.engine.log.outcomeOf(first?.command.id as never))?.seq).toBe(first?.seq)
    await controller.close()
  })

  it('is named, and is one that the cluster knows', async () => {
    const site = await Site.of(1)
    await rm(site.dataDir, { recursive: true })
    await expect(site.restore({ access })).rejects.toMatchObject({ code: 'ERR_INVALID' })
    await expect(site.restore({ access, host: 'west' })).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: expect.stringContaining('there are: east') as string,
    })
    await expect(site.restore({ host: 'east' })).rejects.toMatchObject({ code: 'ERR_INVALID' })
    await expect(site.restore({ access, host: 'ab'.repeat(32) })).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
    })
    expect(await readdir(site.dataDir).catch(() => [])).toEqual([])
  })

  it('comes with the commits that were too large for a message', async () => {
    const site = new Site(await scratch())
    site.servers.payloadMax = 4096
    const controller = await site.open()
    await controller.dispatch({ data: { host: 'east', servers: SERVERS }, type: 'cluster.join' })
    const labels = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`key${i}`, 'ä'.repeat(100)]))
    await controller.newSandbox('large', { labels })
    await published(controller)
    await controller.close()
    const before = await site.log()
    await rm(site.dataDir, { recursive: true })
    await site.restore({ access, host: 'east' })
    expect(await site.log()).toEqual(before)
  })
})

describe('a host whose log is damaged', SYNCS, () => {
  const hole = (seq: number) => (store: Awaited<ReturnType<typeof openLevel>>) => store.del(keys.commit(seq))

  it('is repaired: what is damaged is kept beside, what was not yet published is taken over', async () => {
    const site = await Site.of(4)
    await site.aside('not-published')
    const before = await site.log()
    await site.store(hole(4))
    const restored = await site.restore()
    expect(restored).toMatchObject({ how: 'rebuilt', seq: before.length, was: 3 })
    expect(await site.log()).toEqual(before)
    const damaged = await openLevel(restored.kept ?? '', false)
    expect(await damaged.get(keys.commit(4))).toBeUndefined()
    expect(await damaged.get(keys.commit(3))).toBe(before[2])
    await damaged.close()
    const controller = await site.open()
    expect(controller.queries.sandboxes()).toHaveLength(5)
    await published(controller)
    await controller.close()
  })

  it('is repaired where not one commit can be read, and again, each store under a name of its own', async () => {
    const site = await Site.of(2)
    const before = await site.log()
    for (const n of [1, 2]) {
      await rm(join(site.dataDir, 'store', 'CURRENT'))
      for (const file of await readdir(join(site.dataDir, 'store')))
        if (/\.(log|ldb)$/.test(file)) await writeFile(join(site.dataDir, 'store', file), 'nothing of use')
      expect((await site.restore({ access })).kept).toBe(join(site.dataDir, `store.before-${n}`))
      expect(await site.log()).toEqual(before)
    }
  })

  it('stays as it is where the cluster has not all that is missing', async () => {
    const site = await Site.of(2)
    await site.aside('one')
    await site.aside('two')
    const { length } = await site.log()
    await site.store(hole(length - 2))
    await expect(site.restore()).rejects.toMatchObject({ code: 'ERR_NOT_RESTORED' })
    expect((await readdir(site.dataDir)).filter((name) => name.startsWith('store'))).toEqual(['store'])
  })

  it('is restored by the second attempt, wherever the first one died', async () => {
    const site = await Site.of(2)
    const before = await site.log()
    const dir = (name: string): string => join(site.dataDir, name)
    // While it was built:
    await cp(dir('store'), dir('store.restoring'), { recursive: true })
    await writeFile(join(dir('store.restoring'), 'CURRENT'), 'MANIFEST-999999\n')
    await site.store(hole(4))
    await site.restore()
    expect(await site.log()).toEqual(before)
    // After the damaged store was put aside:
    await rename(dir('store'), dir('store.before-7'))
    await mkdir(dir('store.restoring'))
    expect(await site.restore({ access })).toMatchObject({ how: 'rebuilt', was: 0 })
    expect(await site.log()).toEqual(before)
    expect((await readdir(site.dataDir)).filter((name) => name.startsWith('store')).sort()).toEqual([
      'store',
      'store.before-1',
      'store.before-7',
    ])
  })
})

describe('a host whose log is whole', SYNCS, () => {
  it('gets what the cluster has more of, or nothing', async () => {
    const site = await Site.of(2)
    const backup = `${site.dataDir}.backup`
    await cp(site.dataDir, backup, { recursive: true })
    const controller = await site.open()
    await controller.newSandbox('later')
    await published(controller)
    await expect(site.restore()).rejects.toMatchObject({ code: 'ERR_STORE_LOCKED' })
    await controller.close()
    const full = await site.log()
    expect(await site.restore()).toMatchObject({ how: 'nothing', seq: full.length })
    await rm(site.dataDir, { recursive: true })
    await rename(backup, site.dataDir)
    const { length } = await site.log()
    expect(await site.restore({ dryRun: true })).toMatchObject({
      how: 'added',
      seq: full.length,
      was: length,
    })
    expect(await site.log()).toHaveLength(length)
    expect(await site.restore()).toMatchObject({ how: 'added', seq: full.length, was: length })
    expect(await site.log()).toEqual(full)
  })

  it('keeps a history of its own until it is told to put it aside', async () => {
    const site = await Site.of(2)
    const backup = `${site.dataDir}.backup`
    await cp(site.dataDir, backup, { recursive: true })
    const controller = await site.open()
    for (const name of ['published', 'longer']) await controller.newSandbox(name)
    await published(controller)
    await controller.close()
    const full = await site.log()
    await rm(site.dataDir, { recursive: true })
    await rename(backup, site.dataDir)
    await site.aside('forked')
    const forked = await site.log()
    expect(forked.length).toBeLessThan(full.length)
    await expect(site.restore({ dryRun: true })).rejects.toMatchObject({ code: 'ERR_LOG_FORKED' })
    await expect(site.restore()).rejects.toMatchObject({
      code: 'ERR_LOG_FORKED',
      message: expect.stringContaining('--drop-fork') as string,
    })
    expect(await site.restore({ dropFork: true, dryRun: true })).toMatchObject({ how: 'rebuilt' })
    expect(await site.log()).toEqual(forked)
    const { kept } = await site.restore({ dropFork: true })
    expect(await site.log()).toEqual(full)
    const aside = await openLevel(kept ?? '', false)
    expect(await aside.values({ gte: 'c', lt: 'd' }).all()).toEqual(forked)
    await aside.close()
  })

  it('is not taken for another host', async () => {
    const site = await Site.of(1)
    await expect(site.restore({ host: 'ab'.repeat(32) })).rejects.toMatchObject({ code: 'ERR_EXISTS' })
  })
})
