/** Networks of a cluster on a host that does not use them yet, as somebody types on one of two hosts. */
import { describe, expect, it } from 'vitest'
import { Scene } from '../cluster/scene.ts'
import { CommandLab } from './lab.ts'

async function scene() {
  const all = new Scene()
  const [east, west] = [await all.member('east'), await all.member('west')]
  await all.pass()
  const shell = CommandLab.of(all.lab, east)
  await shell.do('network create shared --driver test --label team=shop')
  await all.pass(100)
  return { all, shell, westShell: CommandLab.of(all.lab, west) }
}

describe('a network that another host made', () => {
  it('is found before anything here is on it, and says who made it', async () => {
    const { shell, westShell } = await scene()
    const seen = await westShell.do('network ls')
    expect(seen.out).toMatch(
      /^shared +test +10\.0\.0\.0\/20 +- +- +[0-9a-f]+ +cluster, made by east, not used here yet$/m,
    )
    expect(seen.err).toBe('')
    expect((await westShell.do('network ls --json')).json()).toMatchObject([
      { driver: 'test', here: false, host: 'east', name: 'shared' },
    ])
    const inspected = await westShell.do('network inspect shared')
    for (const line of [
      /^ +scope +cluster, made by east, not used here yet$/m,
      /^ +subnet +10\.0\.0\.0\/20, gateway 10\.0\.0\.1$/m,
      /^ +vni +\d+$/m,
      /^ +labels +team=shop$/m,
    ])
      expect(inspected.out).toMatch(line)
    const [{ id } = {}] = (await westShell.do('network inspect shared --json')).json()
    expect((await westShell.do(`network inspect ${String(id).slice(0, 8)}`)).out).toContain('network shared')
    expect((await shell.do('network ls')).out).toMatch(/ cluster, made here \(east\)$/m)
    await westShell.do('network create own')
    await westShell.do('endpoint create shared w')
    const used = (await westShell.do('network ls')).out
    expect(used).toMatch(/^shared +test +10\.0\.0\.0\/20 +1 .* cluster, made by east$/m)
    expect(used).toMatch(/^own +bridge .* local$/m)
    expect((await westShell.do('network inspect shared')).out).toMatch(/^ +scope +cluster, made by east$/m)
  })

  it('is told as it was last known, or not at all, while nobody can be asked; what is local always is', async () => {
    const { all, westShell } = await scene()
    await westShell.do('network create own')
    all.arbiter.cut('west')
    await all.pass(10_000)
    const cut = await westShell.do('network ls')
    expect([cut.status, cut.out]).toEqual([
      0,
      expect.stringMatching(/^shared .* made by east, not used here yet$/m),
    ])
    expect(cut.err).toMatch(
      /^networks that other hosts made are shown as they were when the servers last answered: .+\n$/,
    )
    all.kill('west')
    const again = CommandLab.of(all.lab, await all.open('west'))
    const unknown = await again.do('network ls')
    expect([unknown.status, unknown.out]).toEqual([0, expect.stringMatching(/^own +bridge /m)])
    expect(unknown.out).not.toContain('shared')
    expect(unknown.err).toMatch(/^networks that other hosts made are unknown just now: .+\n$/)
    expect(JSON.parse((await again.do('network ls --json')).err)).toMatchObject({
      warning: { code: 'ERR_CLUSTER_UNAVAILABLE' },
    })
    const missing = await again.do('network inspect shared')
    expect([missing.status, missing.err]).toEqual([1, expect.stringContaining('unknown just now')])
    expect((await again.do('network inspect own')).status).toBe(0)
  })

  it('has its past told by who made it first, wherever it is asked for', async () => {
    const { all, shell, westShell } = await scene()
    const third = CommandLab.of(all.lab, await all.member('zoo'))
    await westShell.do('endpoint create shared w')
    await all.pass()
    const own = (await westShell.do('why shared')).out
    expect(own).toMatch(
      /^on host east\nnetwork shared\n[^]*because +network create shared [^]*\non this host\nnetwork shared\n/,
    )
    expect((await westShell.do('why network/shared --json')).json().map(({ host }) => host)).toEqual([
      'east',
      undefined,
    ])
    expect((await shell.do('why shared')).out).toMatch(/^network shared\n/)
    // West's log comes before east's by its id or behind it: either way east's is told first.
    expect((await third.do('why shared --json')).json().map(({ host }) => host)[0]).toBe('east')
    expect((await third.do('why w')).out).toMatch(/^on host west\nendpoint w/)
    await westShell.do('sandbox create till')
    await shell.do('sandbox create till')
    await all.pass()
    const two = await third.do('why till')
    expect(two.out.match(/^on host (east|west)$/gm)).toHaveLength(1)
    expect(two.err).toMatch(/^something else is so called on (east|west): 'chronet why till --host HOST'$/m)
  })

  it('is tried like one of this host alone: with what would be claimed, and who would be asked', async () => {
    const { all, shell, westShell } = await scene()
    await shell.do('endpoint create shared e')
    await westShell.do('sandbox create box')
    const tried = await westShell.do('connect shared box --dry-run')
    expect([tried.status, tried.err]).toEqual([0, 'nothing was written: this was a dry run\n'])
    for (const line of [
      'network shared is to be made',
      'grants block 10.0.0.32/27 of shared',
      'holds 10.0.0.32/20',
    ])
      expect(tried.out).toContain(line)
    const asked = await westShell.do('connect shared box --ip 10.0.0.9 --dry-run')
    expect(asked.out).toContain('the cluster grants address 10.0.0.9/32 of shared')
    expect(asked.err).toContain('not known: whether east lends 10.0.0.9, which is asked only in earnest')
    expect((await westShell.do('network ls --json')).json()).toMatchObject([{ here: false }])
    expect((await westShell.do('cluster blocks --json')).json()).toHaveLength(1)
    const north = CommandLab.of(all.lab, await all.member('north'))
    await all.pass(100)
    await north.do('endpoint create shared n --ip 10.0.0.9')
    await all.pass(100)
    const taken = await westShell.do('connect shared box --ip 10.0.0.9 --dry-run')
    expect([taken.status, taken.err]).toEqual([
      1,
      expect.stringMatching(
        /ERR_ADDRESS_TAKEN: network 'shared': 10\.0\.0\.9 lies in 10\.0\.0\.0\/27, which east has, and is lent to north/,
      ),
    ])
    const before = await westShell.do('connect shared box --ip 10.0.0.40 --dry-run')
    expect((await westShell.do('connect shared box --ip 10.0.0.40')).status).toBe(before.status)
    all.arbiter.cut('west')
    await westShell.do('network create lost --driver test')
    expect((await westShell.do('endpoint create shared w --ip 10.0.0.10 --dry-run')).err).toContain(
      'ERR_CLUSTER_UNAVAILABLE',
    )
  })

  it('keeps its name for itself, and is ended where it was made', async () => {
    const { all, shell, westShell } = await scene()
    for (const line of ['network create shared', 'network create shared --dry-run']) {
      const refused = await westShell.do(line)
      expect([refused.status, refused.err]).toEqual([
        1,
        expect.stringMatching(/ERR_EXISTS: network 'shared' is one of the cluster: east made it/),
      ])
    }
    for (const line of ['network rm shared', 'network rm shared --dry-run']) {
      const refused = await westShell.do(line)
      expect(refused.err).toMatch(/ERR_NOT_FOUND: network 'shared' is not used on this host: east made it/)
    }
    await shell.do('network rm shared')
    await all.pass(100)
    expect((await westShell.do('network create shared')).status).toBe(0)
  })

  it('leaves a network of this host alone its name, if that was there first, and is then known by its id', async () => {
    const all = new Scene()
    const [east, west] = [await all.member('east'), await all.member('west')]
    await all.pass()
    const [shell, westShell] = [CommandLab.of(all.lab, east), CommandLab.of(all.lab, west)]
    await westShell.do('network create shared')
    await shell.do('network create shared --driver test')
    await all.pass(100)
    const both = (await westShell.do('network ls --json')).json()
    expect(both).toMatchObject([{ driver: 'bridge' }, { driver: 'test', here: false }])
    const [local, other] = both.map(({ id }) => String(id))
    expect((await westShell.do('network inspect shared --json')).json()).toMatchObject([{ id: local }])
    expect((await westShell.do(`network inspect ${other} --json`)).json()).toMatchObject([{ id: other }])
    await westShell.do('endpoint create shared e')
    expect((await westShell.do('network ls --json')).json()).toMatchObject([{ id: local }, { here: false }])
    const refused = await westShell.do(`endpoint create ${other} e`)
    expect([refused.status, refused.err]).toEqual([1, expect.stringContaining('ERR_EXISTS')])
    await westShell.do('endpoint rm e')
    await westShell.do('network rm shared')
    expect((await westShell.do('endpoint create shared e')).status).toBe(0)
  })
})
