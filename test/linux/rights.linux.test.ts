/** Who may not make networks hears so at once, with what is missing and what to do; and nothing is left of the attempt. */
import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { libc } from '../../src/kernel/linux/libc.ts'
import { NetnsWorker } from '../../src/kernel/linux/netns.ts'
import { scratch } from '../events/support.ts'
import { RealHost } from './host.ts'

const CHILD = fileURLToPath(new URL('rights.child.ts', import.meta.url))
const NOBODY = 65534

/** Whether there is a nobody to become: in a user namespace with one user, there is not. */
const uids = (await readFile('/proc/self/uid_map', 'utf8'))
  .split('\n')
  .map((line) => line.trim().split(/\s+/).map(Number))
const hasNobody = uids.some(([first = 0, , count = 0]) => first <= NOBODY && NOBODY < first + count)

type Said = {
  readonly code?: string
  readonly details?: object
  readonly message?: string
  readonly opened?: boolean
}

/** A user without any right opens a controller. What it hears. */
async function asNobody(...args: readonly string[]): Promise<Said> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', CHILD, ...args], {
    gid: NOBODY,
    uid: NOBODY,
  })
  return JSON.parse(stdout) as Said
}

/** A directory that nobody may write. */
async function lent(): Promise<string> {
  const base = await scratch()
  await chown(base, NOBODY, NOBODY)
  return base
}

describe.skipIf(!hasNobody)('a user without rights', () => {
  it('is refused at once, hears why, and leaves nothing in the way of one who may', async () => {
    await using host = await RealHost.make()
    await chown(host.base, NOBODY, NOBODY)
    await chmod(host.base, 0o755)
    const said = await asNobody(host.dataDir, host.runDir)
    expect(said).toMatchObject({
      code: 'ERR_NOT_PERMITTED',
      details: {
        missing: [
          'CAP_SYS_ADMIN over the network namespace',
          'CAP_NET_ADMIN over the network namespace',
          'CAP_SYS_ADMIN over the mount namespace',
        ],
      },
    })
    for (const advice of ['as root', 'unshare -Urnm', '--simulated']) expect(said.message).toContain(advice)
    expect(await readdir(host.base)).toEqual([])

    await using controller = await host.open()
    await controller.newSandbox('a')
    await (await controller.newSandbox('b')).delete()
    await controller.sandbox('a').delete()
  })

  it('is refused another host namespace too', async () => {
    await using host = await RealHost.make()
    const base = await lent()
    const said = await asNobody(join(base, 'data'), join(base, 'run'), 'real', host.netns)
    expect(said).toMatchObject({ code: 'ERR_NOT_PERMITTED' })
    expect(await readdir(base)).toEqual([])
  })

  it('may use a simulated kernel', async () => {
    const base = await lent()
    expect(await asNobody(join(base, 'data'), join(base, 'run'), 'simulated')).toEqual({ opened: true })
  })

  it('hears which directory may not be used', async () => {
    const base = await lent()
    const barred = await scratch()
    const [data, run, others] = [join(base, 'data'), join(base, 'run'), join(base, 'others')]
    await mkdir(others, { mode: 0o700 })
    const refusals = [
      { at: join(barred, 'data'), code: 'ERR_NOT_PERMITTED', opens: [join(barred, 'data'), run] },
      { at: others, code: 'ERR_NOT_PERMITTED', opens: [others, run] },
      { at: join(barred, 'run'), code: 'ERR_RUN_DIR', opens: [data, join(barred, 'run')] },
    ]
    const check = async ({ at, code, opens }: (typeof refusals)[number]): Promise<void> => {
      const said = await asNobody(...opens, 'simulated')
      expect(said).toMatchObject({ code, message: expect.stringContaining(at) as string })
    }
    await Promise.all(refusals.map(check))
    expect(await readdir(base)).toEqual(['others'])
  })
})

it('rights are asked for once, when a controller begins', async () => {
  await using host = await RealHost.make()
  const mount = vi.spyOn(libc(), 'mount')
  onTestFinished(() => mount.mockRestore())
  await using controller = await host.open()
  expect(mount.mock.calls.filter(([source]) => source === '')).toHaveLength(1)
  await controller.newSandbox('a')
  await controller.sandbox('a').delete()
})

describe('a host namespace', () => {
  it('that is not there is told by its path, before anything is made', async () => {
    await using host = await RealHost.make()
    const file = join(host.base, 'file')
    await writeFile(file, '')
    for (const hostNetns of [join(host.base, 'nothing'), file])
      await expect(host.open({ hostNetns })).rejects.toMatchObject({
        code: 'ERR_NOT_FOUND',
        details: { hostNetns },
        message: expect.stringContaining(hostNetns) as string,
      })
    expect(await readdir(host.base)).toEqual(['file'])
  })

  it('that the worker cannot enter is the reason it gives', async () => {
    const path = join(tmpdir(), 'no-namespace-is-here')
    const worker = new NetnsWorker(path)
    await expect(worker.call('portId', undefined)).rejects.toMatchObject({
      code: 'ENOENT',
      message: `the namespace worker ended: open ${path}: ENOENT`,
    })
    await worker.close()
  })
})
