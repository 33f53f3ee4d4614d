/** `chronet cluster claims`, `blocks` and `evict`, as somebody types them on one of two hosts. */
import { describe, expect, it } from 'vitest'
import { Scene } from '../cluster/scene.ts'
import { CommandLab } from './lab.ts'

async function scene() {
  const all = new Scene()
  const [east, west] = [await all.member('east'), await all.member('west')]
  await all.pass()
  return { all, east, shell: CommandLab.of(all.lab, east), west, westShell: CommandLab.of(all.lab, west) }
}

describe('chronet cluster', () => {
  it('shows what hosts have, each alone, and which of it is here', async () => {
    const { shell, westShell } = await scene()
    expect((await shell.do('cluster claims')).err).toContain('nothing is claimed')
    const made = await shell.do('network create shared --driver test')
    expect(made.out).toMatch(/^network shared is there: 10\.0\.0\.0\/20 \(gateway 10\.0\.0\.1\) +\(#/)
    await shell.do('endpoint create shared e')
    await westShell.do('endpoint create shared w')
    expect((await westShell.do('network ls')).out).toMatch(/^shared +test +10\.0\.0\.0\/20 +1 /m)
    expect((await westShell.do('network inspect shared')).out).toMatch(/^ +vni +\d+$/m)
    const claims = (await westShell.do('cluster claims')).out
    for (const line of [
      /^network +shared +shared +east +held /m,
      /^vni +\d+ +shared +east +held /m,
      /^pool +10\.0\.0\.0\/20 +shared +east +held /m,
      /^block +10\.0\.0\.0\/27 +shared +east +held /m,
      /^block +10\.0\.0\.32\/27 +shared +west +held, here /m,
    ])
      expect(claims).toMatch(line)
    const blocks = (await westShell.do('cluster blocks')).out
    expect(blocks).toMatch(/^shared +10\.0\.0\.0\/20 +10\.0\.0\.0\/27 +east +- +held$/m)
    expect(blocks).toMatch(/^shared +10\.0\.0\.0\/20 +10\.0\.0\.32\/27 +west +31 +held, here$/m)
    const own = (await westShell.do('cluster blocks --json')).json().filter((claim) => claim.own)
    expect(own).toMatchObject([
      { cidr: '10.0.0.32/27', free: 31, host: 'west', kind: 'block', size: 32, state: 'held' },
    ])
    await westShell.do('endpoint create shared asked --ip 10.0.0.9')
    expect((await westShell.do('cluster claims')).out).toMatch(
      /^address +10\.0\.0\.9\/32 +shared +west +lent by east, here /m,
    )
    const log = (await shell.do('log')).out
    expect(log).toContain('address 10.0.0.9/20 of shared is lent to west')
    expect(log).toContain('the cluster grants the name shared')
    expect(log).toContain('the cluster grants block 10.0.0.0/27 of shared')
  })

  it('gives up what it has when it leaves, and says what is still claimed since others use it', async () => {
    const { all, shell, westShell } = await scene()
    for (const name of ['shared', 'own']) await shell.do(`network create ${name} --driver test`)
    await westShell.do('endpoint create shared w')
    await shell.do('endpoint create own e')
    const tried = await shell.do('cluster leave --dry-run')
    expect([tried.status, tried.err]).toEqual([1, expect.stringContaining('disconnect or delete them first')])
    await shell.do('endpoint rm e')
    expect((await shell.do('cluster leave --dry-run')).out).toContain('network own')
    const left = await shell.do('cluster leave')
    expect(left.out).toContain('left the cluster')
    expect(left.err).toMatch(/when it joins again: network shared, vni \d+, pool 10\.0\.0\.0\/20\n/)
    expect((await shell.do('network ls --json')).json()).toEqual([])
    await all.pass()
    const claims = (await westShell.do('cluster claims')).out
    expect(claims).toMatch(/^network +own +own +east +rests until /m)
    expect(claims).toMatch(/^network +shared +shared +east +held /m)
  })

  it('holds addresses for services, shows them, and gives them up', async () => {
    const { all, shell, westShell } = await scene()
    await shell.do('network create shared --driver test')
    expect((await westShell.do('vip ls')).err).toContain('no address is held for a service')
    const unknown = await westShell.do('vip create nowhere web')
    expect(unknown.err).toContain('ERR_NOT_FOUND')
    await westShell.do('endpoint create shared w')
    const tried = await westShell.do('vip create shared web --dry-run')
    expect(tried.out).toContain('the cluster grants address 10.0.15.224/32 of shared for web')
    const made = await westShell.do('vip create shared web')
    expect(made.out).toContain('10.0.15.224/32 is held for web on shared')
    await all.pass()
    expect((await shell.do('vip ls')).out).toMatch(/^web +10\.0\.15\.224\/32 +shared +west +held$/m)
    expect((await westShell.do('network inspect shared')).out).toMatch(
      /^ +services +web 10\.0\.15\.224\/32$/m,
    )
    expect((await westShell.do('network rm shared')).err).toContain('ERR_IN_USE')
    const ended = await westShell.do('vip rm shared web')
    expect(ended.out).toContain('the address of web on shared is given up')
    await all.pass()
    expect((await shell.do('vip ls')).out).toMatch(/ resting$/m)
    const row = /^vip +10\.0\.15\.224\/32 web +shared +west +rests until /m
    expect((await shell.do('cluster claims')).out).toMatch(row)
    await all.pass(61_000)
    expect((await shell.do('cluster claims')).out).not.toContain('10.0.15.224')
    expect((await shell.do('cluster claims --json')).json()).toContainEqual(
      expect.objectContaining({ cidr: '10.0.15.224/32', state: 'free' }),
    )
    expect((await westShell.do('vip rm shared web')).err).toContain('ERR_NOT_FOUND')
  })

  it('shows what would be made, and claims nothing for that', async () => {
    const { all, shell } = await scene()
    const tried = await shell.do('network create shared --driver test --dry-run')
    expect(tried.out).toContain('network shared is to be made by driver test: 10.0.0.0/20, gateway 10.0.0.1')
    await all.pass()
    expect((await shell.do('cluster claims --json')).json()).toEqual([])
    expect((await shell.do('cluster evict west --dry-run')).out).toContain('west is put out of the cluster')
  })

  it('shows what the log has where the servers are not reached, and why nothing new can be had', async () => {
    const { all, shell } = await scene()
    await shell.do('network create shared --driver test')
    all.arbiter.cut('east')
    const refused = await shell.do('network create second --driver test')
    expect([refused.status, refused.err]).toEqual([1, expect.stringContaining('ERR_CLUSTER_UNAVAILABLE')])
    const claims = await shell.do('cluster claims')
    expect(claims.out).toMatch(/^network +shared +shared +east +held, by the log /m)
    expect(claims.err).toContain('ERR_CLUSTER_UNAVAILABLE')
  })

  it('puts a host out in two steps, and only if it does not answer', async () => {
    const { all, west, westShell, shell } = await scene()
    expect((await shell.do('cluster evict nobody')).err).toContain('ERR_NOT_FOUND')
    expect((await shell.do('cluster evict west --dead')).err).toContain('was not put out yet')
    const live = await shell.do('cluster evict west')
    expect(live.out).toContain('the cluster was told that west is put out; what it has stays as it is')
    expect(live.err).toContain('west is there: it answered at once, and stays.')
    await all.pass()
    expect((await shell.do('cluster peers')).out).toMatch(/ followed; was put out, and is there$/m)
    expect((await shell.do('cluster claims')).err).toMatch(/^west was put out, and is there \(west, /m)
    expect((await shell.do('cluster evict west --dead')).err).toContain("host 'west' is there: it said so")
    await westShell.do('endpoint create none e')
    await all.lab.do(west.close())
    const gone = await shell.do('cluster evict west --reason "the machine burnt"')
    expect(gone.err).toContain('west did not answer: look whether it is really gone')
    expect((await shell.do('cluster evict west --dead')).out).toContain('west is taken for dead')
    expect((await shell.do('cluster peers')).out).toMatch(/ followed; is taken for dead$/m)
    expect((await shell.do('cluster claims')).err).toMatch(/^west is taken for dead \(east, /m)
  })
})
