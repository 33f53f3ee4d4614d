/** Somebody's disk rots under a controller that is closed. Next morning it opens, tells what it still knows, and touches nothing. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createController, type Controller } from '../../src/index.ts'
import { createKernelWorld, openSimulatedKernel } from '../../src/simulator/index.ts'
import { systemPorts } from '../../src/system/ports.ts'
import { scratch } from '../events/support.ts'

/** A real disk, a simulated kernel. */
async function machine() {
  const base = await scratch()
  const [dataDir, runDir] = [join(base, 'data'), join(base, 'run')]
  const { hash, timers } = systemPorts()
  const world = createKernelWorld()
  const open = (): Promise<Controller> =>
    createController({
      dataDir,
      ports: { openKernel: (options) => openSimulatedKernel(world, { ...options, hash, timers }) },
      runDir,
    })
  return { dataDir, open, world }
}

/** Flips a bit of the first commit that holds these words; the file. */
async function rot(dataDir: string, words: string): Promise<string> {
  for (const file of await readdir(join(dataDir, 'store'))) {
    const path = join(dataDir, 'store', file)
    const bytes = await readFile(path)
    const at = bytes.indexOf(words)
    if (!/\.(?:log|ldb)$/.test(file) || at < 0) continue
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    await writeFile(path, bytes)
    return file
  }
  throw new Error(`no ${words} in ${dataDir}`)
}

async function bytesOf(dataDir: string): Promise<readonly string[]> {
  const names = (await readdir(dataDir, { recursive: true })).sort()
  return Promise.all(
    names.map(
      async (name) => `${name} ${await readFile(join(dataDir, name), 'latin1').catch(() => 'directory')}`,
    ),
  )
}

/** Three sandboxes on a network; the disk rots where the second was made. */
async function rotten() {
  const { dataDir, open, world } = await machine()
  const controller = await open()
  await controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' } })
  for (const name of ['a', 'b', 'c']) {
    await controller.newSandbox(`sandbox-${name}`)
    await controller.connect('web', `sandbox-${name}`)
  }
  const { commits } = await controller.verify()
  await controller.close()
  await cp(dataDir, `${dataDir}-backup`, { recursive: true })
  const file = await rot(dataDir, '"name":"sandbox-b"')
  return { commits, dataDir, file, open, world }
}

describe('a controller whose log is damaged', () => {
  it('opens, says where, and tells what stood before', async () => {
    const { commits, dataDir, file, open, world } = await rotten()
    const before = await bytesOf(dataDir)
    const links = [...world.host.named.keys()]
    const controller = await open()
    expect(controller.blocked).toMatchObject({
      code: 'ERR_LOG_DAMAGED',
      details: { files: [{ at: expect.any(Number) as number, file }] },
      message: expect.stringContaining('nothing is written: restore a backup') as string,
    })
    expect(controller.queries.networks().map(({ name }) => name)).toEqual(['web'])
    expect(controller.queries.sandboxes().map(({ name }) => name)).toEqual(['sandbox-a'])
    expect(controller.queries.endpoints()).toMatchObject([{ addresses: ['10.9.0.2/24'] }])

    const { commits: read, damage } = await controller.verify()
    expect(damage).toMatchObject({
      code: 'ERR_LOG_DAMAGED',
      message: expect.stringContaining(file) as string,
    })
    expect(read).toBeGreaterThan(0)
    expect(read).toBeLessThan(commits)
    const past = await controller.asOf(read - 1)
    expect(past.networks().map(({ name }) => name)).toEqual(['web'])
    const types: string[] = []
    for await (const { seq, type } of controller.facts({ from: 1 })) {
      types.push(type)
      if (seq === read) break
    }
    expect(types).toContain('SandboxCreated')

    await controller.close()
    expect(await bytesOf(dataDir)).toEqual(before)
    expect([...world.host.named.keys()]).toEqual(links)
  })

  it('changes nothing, whoever asks', async () => {
    const { dataDir, open, world } = await rotten()
    const before = await bytesOf(dataDir)
    const links = [...world.host.named.keys()]
    const controller = await open()
    for (const ask of [
      () => controller.newSandbox('d'),
      () => controller.network('web').delete(),
      () => controller.disconnect('web', 'sandbox-a'),
    ])
      await expect(ask()).rejects.toMatchObject({ code: 'ERR_LOG_DAMAGED' })
    await controller.audit()
    await controller.close()
    expect(await bytesOf(dataDir)).toEqual(before)
    expect([...world.host.named.keys()]).toEqual(links)
  })

  it('works on once a backup is in its place', async () => {
    const { dataDir, open } = await rotten()
    await (await open()).close()
    await cp(`${dataDir}-backup`, dataDir, { recursive: true })
    const controller = await open()
    expect(controller.blocked).toBeUndefined()
    expect(controller.queries.sandboxes()).toHaveLength(3)
    await controller.connect('web', (await controller.newSandbox('d')).containerId)
    await controller.close()
  })
})
