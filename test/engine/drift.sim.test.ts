/** Somebody else changes what is ours: it is noticed, said, healed, and not fought over. What is not ours is left alone. */
import { describe, expect, it } from 'vitest'
import type { AnyFact, Commit, Origin } from '../../events/index.ts'
import { personAt } from '../../src/kernel/simulated/humans.ts'
import { linkNamed } from '../../src/kernel/simulated/links.ts'
import type { Link } from '../../src/kernel/simulated/world.ts'
import { tableName } from '../../src/reconcile/marks.ts'
import { checkInvariants, commitsOf, factsNamed, textOf } from './invariants.ts'
import { DATA_DIR, Lab } from './lab.ts'

/** Sandboxes `a` and `b` on `web`, at rest, and where a person finds the things. */
async function scene() {
  const lab = new Lab()
  const controller = await lab.open()
  await lab.do(controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' } }))
  for (const name of ['a', 'b']) {
    await lab.do(controller.newSandbox(name))
    await lab.do(controller.connect('web', name))
  }
  await lab.ports.time.runFor(3000)
  const path = controller.netnsPath(controller.sandbox('a').id)
  const ns = lab.world.mounts.get(path)
  if (ns === undefined) throw new Error('sandbox a has no namespace')
  return {
    bridge: controller.queries.network('web').bridge.name,
    controller,
    inside: personAt(lab.world, ns),
    lab,
    path,
    root: lab.root,
    table: tableName(controller.id as Origin),
    veth: controller.queries.endpoint('a-web').link?.name ?? '',
  }
}
type Scene = Awaited<ReturnType<typeof scene>>

const ACTS: readonly (readonly [name: string, act: (scene: Scene) => void])[] = [
  ['delete a link', ({ root, veth }) => root.deleteLink(veth)],
  ['delete a link from inside', ({ inside }) => inside.deleteLink('eth0')],
  ['delete the bridge', ({ bridge, root }) => root.deleteLink(bridge)],
  ['take a link down', ({ root, veth }) => root.downLink(veth)],
  ['take the bridge down', ({ bridge, root }) => root.downLink(bridge)],
  ['take an interface down from inside', ({ inside }) => inside.downLink('eth0')],
  ['take lo down', ({ inside }) => inside.downLink('lo')],
  ['rename a link', ({ root, veth }) => root.renameLink(veth, 'mine')],
  ['rename the bridge', ({ bridge, root }) => root.renameLink(bridge, 'mybr')],
  ['unplug a link', ({ root, veth }) => root.unplug(veth)],
  ['remove the address', ({ inside }) => inside.removeAddress('eth0', '10.9.0.2/24')],
  ['remove the gateway', ({ bridge, root }) => root.removeAddress(bridge, '10.9.0.1/24')],
  ['delete the default route', ({ inside }) => inside.deleteRoute('0.0.0.0/0')],
  ['delete the table', ({ root, table }) => root.deleteTable(table)],
  ['flush the table', ({ root, table }) => root.flushTable(table)],
  ['flush the maps', ({ root, table }) => root.flushMaps(table)],
  ['flush the whole firewall', ({ root }) => root.flushFirewall()],
  ['delete the chains of a network', ({ bridge, root, table }) => root.deleteTableNetwork(table, bridge)],
  ['unmount a namespace', ({ path, root }) => root.unmount(path)],
  [
    'do several things at once',
    ({ bridge, inside, root, table, veth }) => {
      root.deleteTable(table)
      inside.removeAddress('eth0', '10.9.0.2/24')
      root.deleteLink(veth)
      root.downLink(bridge)
    },
  ],
]

/** Heals within this, in virtual milliseconds. */
const HEAL_MS = 200

const since = async (
  { controller, lab }: Pick<Scene, 'controller' | 'lab'>,
  seq: number,
): Promise<Commit<AnyFact>[]> => (await commitsOf(lab, controller)).slice(seq)

describe('a person may', () => {
  it.each(ACTS)('%s: it is said and healed', async (_name, act) => {
    const made = await scene()
    const { controller, lab } = made
    const { seq } = controller.queries
    act(made)
    expect(lab.reaches(controller, 'a', 'b')).toBeDefined()
    await lab.ports.time.runFor(HEAL_MS)
    await checkInvariants(lab, controller)
    expect(lab.reaches(controller, 'a', 'b')).toBe(true)
    const commits = await since(made, seq)
    expect(factsNamed(commits, 'DriftObserved').length).toBeGreaterThan(0)
    expect(factsNamed(commits, 'EffectsIntended').map(({ data }) => data.purpose)).toContain('heal')
  })

  it('do all of it, one after the other', { timeout: 60_000 }, async () => {
    const made = await scene()
    for (const [, act] of ACTS) {
      act({ ...made, ...again(made) })
      await made.lab.ports.time.runFor(20_000)
      await checkInvariants(made.lab, made.controller)
    }
  })

  it('put things beside ours, and keep them', async () => {
    const { bridge, controller, inside, lab, root } = await scene()
    root.addForeignLink({ kind: 'dummy', name: 'theirs' })
    root.addForeignLink({ kind: 'bridge', name: 'docker0' })
    root.addForeignTable('firewalld', false)
    root.addAddress(bridge, '192.0.2.1/24')
    inside.addForeignLink({ kind: 'dummy', name: 'vpn0' })
    inside.addAddress('eth0', '198.51.100.2/24')
    inside.addForeignRoute('203.0.113.0/24', 'eth0')
    const { seq } = controller.queries
    const before = textOf(lab.world)
    await lab.ports.time.runFor(1000)
    await lab.do(controller.audit())
    expect(textOf(lab.world)).toBe(before)
    expect(controller.queries.seq).toBe(seq)
  })
})

/** A namespace that was made anew is another place to sit in. */
function again({ lab, path }: Scene): Pick<Scene, 'inside'> {
  const ns = lab.world.mounts.get(path)
  if (ns === undefined) throw new Error('there is no namespace')
  return { inside: personAt(lab.world, ns) }
}

/** Commits that put something back: who had it done, and why. */
const healings = (commits: readonly Commit<AnyFact>[]): readonly unknown[] =>
  commits
    .filter(({ command }) => command.type === 'drift.report')
    .map(({ actor, reason }) => ({ actor, reason }))

describe('healing that somebody asked for', () => {
  const anna = {
    actor: { claimed: { name: 'anna' }, kind: 'cli' },
    reason: 'the night shift called',
  } as const

  it('names who asked and why; what the engine does by itself bears its own name', async () => {
    const { controller, lab, root, veth } = await scene()
    root.deleteLink(veth)
    await lab.do(controller.audit(anna))
    await lab.ports.time.runFor(1000)
    root.deleteLink(controller.queries.endpoint('b-web').link?.name ?? '')
    await lab.ports.time.runFor(3000)
    root.deleteLink(veth)
    await lab.do(controller.audit())
    const [first, ...rest] = healings(await commitsOf(lab, controller))
    expect(first).toEqual(anna)
    expect(rest).toEqual([{ actor: { kind: 'engine' } }, { actor: { kind: 'library' } }])
    await checkInvariants(lab, controller)
  })

  it('names them too where a start puts it back', async () => {
    const { controller, lab, root, veth } = await scene()
    await lab.do(controller.close())
    root.deleteLink(veth)
    const healer = await lab.open({ heal: false, healedBy: anna })
    expect(healings(await commitsOf(lab, healer))).toEqual([anna])
    await checkInvariants(lab, healer)
    await lab.do(healer.close())
  })
})

describe('healing', () => {
  it('is tried again when the kernel refuses', async () => {
    const { controller, lab, root, veth } = await scene()
    lab.world.faults.push({ errno: 'EBUSY', match: (s) => s.spec.kind === 'veth', times: 2, when: 'before' })
    root.deleteLink(veth)
    await lab.ports.time.runFor(10_000)
    await checkInvariants(lab, controller)
    expect(lab.reaches(controller, 'a', 'b')).toBe(true)
  })

  it('rests when somebody fights back, says so, and comes again', async () => {
    const made = await scene()
    const { controller, lab, root, veth } = made
    const { seq } = controller.queries
    const present = (): Link | undefined => linkNamed(lab.world.host, veth)
    for (let i = 0; i < 8; i++) {
      if (present()) root.deleteLink(veth)
      await lab.ports.time.runFor(300)
    }
    expect(present()).toBeUndefined()
    const [contention] = factsNamed(await since(made, seq), 'Contention')
    expect(contention?.data).toMatchObject({ heals: 6, key: `link/host/${veth}`, restMs: 5000 })
    expect(contention?.data.change).toContain(veth)
    await lab.ports.time.runFor(6000)
    expect(present()).toBeDefined()
    await checkInvariants(lab, controller)
  })

  it('does not mistake our own work for drift', async () => {
    const made = await scene()
    const { controller, lab } = made
    lab.world.latencyMs = () => 3
    const { seq } = controller.queries
    for (let i = 0; i < 10; i++) {
      const work = [
        controller.disconnect('web', 'a'),
        controller.newSandbox(`n${i}`),
        controller.connect('web', 'b', { name: `x${i}` }),
      ]
      await lab.all<unknown>(work)
      await lab.do(controller.connect('web', 'a'))
    }
    await lab.ports.time.runFor(3000)
    await lab.do(controller.audit())
    expect(factsNamed(await since(made, seq), 'DriftObserved')).toEqual([])
    await checkInvariants(lab, controller)
  })

  it('heals in the middle of work, too', async () => {
    const { controller, lab, root, veth } = await scene()
    lab.world.latencyMs = () => 3
    await lab.do(controller.newSandbox('c'))
    const work = controller.connect('web', 'c')
    await lab.ports.time.runFor(5)
    root.deleteLink(veth)
    await lab.do(work)
    await lab.ports.time.runFor(1000)
    await checkInvariants(lab, controller)
  })

  it('looks at everything when notifications were lost', async () => {
    const { controller, lab, root, table } = await scene()
    const listeners = [...lab.world.listeners]
    lab.world.listeners.clear()
    root.deleteTable(table)
    for (const listener of listeners) lab.world.listeners.add(listener)
    await lab.ports.time.runFor(1000)
    expect(lab.world.host.tables.size).toBe(0)
    for (const listener of listeners) listener('overrun')
    await lab.ports.time.runFor(HEAL_MS)
    await checkInvariants(lab, controller)
  })

  it('is not for an engine that was told so', async () => {
    const { controller, lab, root, veth } = await scene()
    await lab.do(controller.close())
    const quiet = await lab.open({ heal: false })
    root.deleteLink(veth)
    await lab.ports.time.runFor(400_000)
    expect(linkNamed(lab.world.host, veth)).toBeUndefined()
    await lab.do(quiet.close())
  })

  it('waits for a start, when nobody was there', async () => {
    const { controller, lab, root, table, veth } = await scene()
    await lab.do(controller.close())
    root.deleteLink(veth)
    root.deleteTable(table)
    const next = await lab.open()
    expect(next.recovered?.healed).toBeGreaterThan(0)
    await checkInvariants(lab, next)
    const commits = await commitsOf(lab, next)
    expect(factsNamed(commits, 'DriftObserved')).toHaveLength(1)
  })
})

describe('a log that was rolled back under running sandboxes', () => {
  /** A copy of the log is taken, `b` is connected after it, and the copy comes back. */
  async function rolledBack() {
    const lab = new Lab()
    const controller = await lab.open()
    await lab.do(controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' } }))
    await lab.do(controller.newSandbox('a'))
    await lab.do(controller.connect('web', 'a'))
    await lab.ports.time.runFor(100)
    const platter = lab.ports.disks.platter(DATA_DIR)
    const copy = platter.range({})
    await lab.do(controller.newSandbox('b'))
    await lab.do(controller.connect('web', 'b'))
    await lab.ports.time.runFor(100)
    const links = lab.links()
    lab.kill()
    for (const [key] of platter.range({})) platter.damage(key, undefined)
    for (const [key, value] of copy) platter.damage(key, value)
    return { lab, links }
  }

  it('is said, and nothing is removed', async () => {
    const { lab, links } = await rolledBack()
    const { steps } = lab.world
    const controller = await lab.open()
    expect(controller.blocked).toMatchObject({ code: 'ERR_LOG_BEHIND' })
    expect(controller.queries.sandboxes().map((s) => s.name)).toEqual(['a'])
    await expect(lab.do(controller.newSandbox('c'))).rejects.toMatchObject({ code: 'ERR_LOG_BEHIND' })
    await lab.do(controller.audit())
    await lab.ports.time.runFor(1_000_000)
    expect([lab.world.steps, lab.links()]).toEqual([steps, links])
    await lab.do(controller.close())
  })

  it('is accepted when somebody says so: what it does not know goes', async () => {
    const { lab, links } = await rolledBack()
    const controller = await lab.open({ acceptLogBehind: true })
    expect(controller.blocked).toBeUndefined()
    expect(lab.links().length).toBe(links.length - 1)
    await lab.do(controller.newSandbox('c'))
    await lab.do(controller.connect('web', 'c'))
    await checkInvariants(lab, controller)
    await lab.do(controller.close())
    const again = await lab.open()
    expect(again.blocked).toBeUndefined()
    await checkInvariants(lab, again)
  })

  it('is not accepted in another namespace of the boot', async () => {
    const { lab } = await rolledBack()
    const { steps } = lab.world
    lab.world.host = { ...lab.world.host, cookie: '77', links: new Map(), named: new Map() }
    const controller = await lab.open({ acceptLogBehind: true })
    expect(controller.blocked).toMatchObject({ code: 'ERR_OTHER_HOST' })
    expect(lab.world.steps).toBe(steps)
    await lab.do(controller.close())
  })

  it('says nothing after a reboot, where nothing runs that it could not know', async () => {
    const { lab } = await rolledBack()
    lab.reboot()
    const controller = await lab.open()
    expect(controller.blocked).toBeUndefined()
    await checkInvariants(lab, controller)
  })
})
