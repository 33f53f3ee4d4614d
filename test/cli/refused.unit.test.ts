/** A change with no engine running, on a real disk and a simulated kernel: what is refused leaves no trace. */
import { access } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { openChanger, type Change } from '../../src/operations/changer.ts'
import type { Operations, Place } from '../../src/operations/operations.ts'
import { openReader, type ReaderPorts } from '../../src/operations/reader.ts'
import { createKernelWorld, openSimulatedKernel, personAt, type Person } from '../../src/simulator/index.ts'
import { systemPorts } from '../../src/system/ports.ts'
import { newPlace } from '../server/place.ts'
import { say, type Said } from './lab.ts'

class Directory {
  /** How often its log was read. */
  opened = 0
  readonly place: Place
  /** Who sits at the host. */
  readonly root: Person
  readonly #ports: ReaderPorts

  private constructor(place: Place) {
    const { hash, openDisk, timers } = systemPorts()
    const world = createKernelWorld()
    this.place = place
    this.root = personAt(world, world.host)
    this.#ports = {
      afterTurn: (run) => void setImmediate(run),
      hash,
      later: (ms, run) => void setTimeout(run, ms),
      nowMs: () => Date.now(),
      openDisk: async (where) => {
        const disk = await openDisk(where)
        return { ...disk, openStore: () => (this.opened++, disk.openStore()) }
      },
      openKernel: (options) => openSimulatedKernel(world, { ...options, hash, timers }),
    }
  }

  static async make(): Promise<Directory> {
    return new Directory(await newPlace())
  }

  /** Each command opens the directory for itself. */
  do(line: string): Promise<Said> {
    return say(line, (_place, purpose) =>
      typeof purpose === 'string' ? openReader(this.place, this.#ports) : this.open(purpose),
    )
  }

  open(change: Change): Promise<Operations> {
    const { openKernel } = this.#ports
    return openChanger(this.place, change, this.#ports, { openKernel })
  }

  /** The types of facts, a commit each. */
  async story(): Promise<readonly string[]> {
    const reader = await openReader(this.place, this.#ports)
    const commits: string[] = []
    for await (const { facts } of reader.commits()) commits.push(facts.map(({ type }) => type).join(' '))
    await reader.close()
    return commits
  }
}

describe('a change that is refused', () => {
  it('makes no directory where there is none yet', async () => {
    const directory = await Directory.make()
    const said = await directory.do('connect web a')
    expect(said).toMatchObject({ out: '', status: 1 })
    expect(said.err).toContain("there is no network 'web'")
    await expect(access(directory.place.dataDir)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(access(directory.place.runDir)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('for a route of the host makes no directory either', async () => {
    const directory = await Directory.make()
    directory.root.addForeignLink({ kind: 'dummy', name: 'uplink0' })
    directory.root.addAddress('uplink0', '10.5.0.1/16')
    const said = await directory.do('network create web --subnet 10.5.3.0/24')
    expect(said).toMatchObject({ out: '', status: 1 })
    expect(said.err).toContain('ERR_OVERLAP_HOST')
    expect((await directory.do('network create web --subnet 10.5.3.0/24 --dry-run')).err).toBe(said.err)
    expect((await directory.do('network create web --dry-run')).err).not.toContain('not known')
    await expect(access(directory.place.dataDir)).rejects.toMatchObject({ code: 'ENOENT' })
    expect((await directory.do('network create web --subnet 10.6.3.0/24')).status).toBe(0)
  })

  it('is told with all its problems, those of pools that lie nowhere too', async () => {
    const directory = await Directory.make()
    const pools = '--subnet 10.79.0.0/24 --subnet fd00:1::/64 --gateway 10.80.0.1 --ip-range fd00:2::/80'
    const { err, status } = await directory.do(`network create web ${pools} --mtu 5`)
    expect(status).toBe(1)
    expect(err).toContain("gateway '10.80.0.1' of 10.79.0.0/24: it lies outside")
    expect(err).toContain("range 'fd00:2::/80' of fd00:1::/64: it does not lie in the subnet")
    expect(err).toContain('an MTU of 5 bytes is not possible')
  })

  it('begins no epoch', async () => {
    const directory = await Directory.make()
    expect((await directory.do('network create web --subnet 10.9.0.0/24')).err).toBe('')
    const before = await directory.story()
    expect(before.filter((facts) => facts.includes('HostStarted'))).toHaveLength(1)
    expect((await directory.do('network create web')).err).toContain('ERR_EXISTS')
    expect((await directory.do('network create db --subnet 10.9.0.0/25')).status).toBe(1)
    expect((await directory.do('sandbox rm a')).err).toContain("there is no sandbox 'a'")
    expect((await directory.do('network create db --mtu 5')).status).toBe(1)
    expect(await directory.story()).toEqual(before)
  })

  it('does not stand in the way of the next', async () => {
    const directory = await Directory.make()
    expect((await directory.do('sandbox rm a')).status).toBe(1)
    expect((await directory.do('sandbox create a')).out).toMatch(/^sandbox a is there/)
    expect((await directory.do('sandbox rm a')).out).toMatch(/^sandbox a is gone/)
    const epochs = (await directory.story()).filter((facts) => facts.includes('HostStarted'))
    expect(epochs).toHaveLength(2)
  })
})

describe('where there is no log yet', () => {
  it('that is said beside what would look like a sound one', async () => {
    const directory = await Directory.make()
    const note = `no log is in /var/lib/chronet yet\n`
    expect(await directory.do('verify')).toMatchObject({ err: note, status: 0 })
    expect(await directory.do('plan')).toMatchObject({ err: note, status: 0 })
    expect((await directory.do('export')).err).toContain(note)
    expect((await directory.do('verify --json')).err).toBe('')
  })
})

describe('a change that is not', () => {
  it('has the directory from the first look at it until it is done', async () => {
    const directory = await Directory.make()
    await directory.do('network create web')
    const change: Change = {
      command: { data: { name: 'a' }, type: 'sandbox.create' },
      given: { actor: { kind: 'cli' } },
    }
    const first = await directory.open(change)
    await expect(directory.open(change)).rejects.toMatchObject({ code: 'ERR_STORE_LOCKED' })
    await first.dispatch(change.command, change.given)
    await first.close()
    await expect(directory.open(change)).rejects.toMatchObject({ code: 'ERR_EXISTS' })
    expect((await directory.do('sandbox ls')).out).toMatch(/\na /)
  })

  it('has its log opened once', async () => {
    const directory = await Directory.make()
    await directory.do('network create web')
    directory.opened = 0
    expect((await directory.do('sandbox create a')).status).toBe(0)
    expect(directory.opened).toBe(1)
    expect((await directory.do('sandbox create a')).err).toContain('ERR_EXISTS')
    expect(directory.opened).toBe(2)
  })
})
