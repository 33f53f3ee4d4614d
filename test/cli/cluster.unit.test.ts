/** `chronet cluster …` and `log --host`, as somebody types them on one of two hosts. */
import { describe, expect, it } from 'vitest'
import { Scene } from '../cluster/scene.ts'
import { CommandLab } from './lab.ts'

async function scene() {
  const all = new Scene()
  const [east, west] = [await all.open('east'), await all.open('west')]
  const shell = CommandLab.of(all.lab, east)
  return { all, east, shell, west, westShell: CommandLab.of(all.lab, west) }
}

async function joinBoth(east: CommandLab, west: CommandLab): Promise<void> {
  for (const [one, name] of [
    [east, 'east'],
    [west, 'west'],
  ] as const)
    await one.do(`cluster join nats://servers:4222 --as ${name}`)
}

describe('chronet cluster', () => {
  it('joins, tells how it stands and who else is there, and leaves', async () => {
    const { all, shell, west, westShell } = await scene()
    expect((await shell.do('cluster status')).out).toContain('alone: in no cluster')
    const joined = await shell.do('cluster join nats://servers:4222 --as east --reason growing')
    expect([joined.status, joined.out]).toEqual([
      0,
      expect.stringContaining('east joined the cluster at nats://servers:4222'),
    ])
    await westShell.do('cluster join nats://servers:4222 --as west')
    await all.pass()
    const status = await shell.do('cluster status')
    expect(status.status).toBe(0)
    for (const line of [
      /^host +east \(/m,
      /^state +connected$/m,
      /^published +#2 of #2$/m,
      /^stream .*all read$/m,
      /^peers +1$/m,
    ])
      expect(status.out).toMatch(line)
    const peers = await shell.do('cluster peers')
    expect(peers.out).toMatch(new RegExp(`^west +${west.id.slice(0, 12)} +#2 +0 .* followed$`, 'm'))
    expect((await shell.do('cluster peers --json')).json()).toMatchObject([{ host: 'west', origin: west.id }])
    const again = await shell.do('cluster join nats://servers:4222 --reason moved')
    expect(again.out).toContain('east joined the cluster')
    expect((await shell.do('cluster leave')).out).toContain('left the cluster')
    await all.pass()
    expect((await westShell.do('cluster peers')).out).toMatch(/^east .* left$/m)
    expect((await shell.do('cluster leave')).err).toContain('ERR_STATE')
  })

  it('lets no two hosts have one name, but who left or is dead gives it up, and a host has its own again', async () => {
    const { all, east, shell, westShell } = await scene()
    await shell.do('cluster join nats://servers:4222 --as east')
    await all.pass()
    const join = 'cluster join nats://servers:4222 --as east'
    const refused = await westShell.do(join)
    expect([refused.status, refused.err]).toEqual([
      1,
      expect.stringMatching(
        new RegExp(`ERR_EXISTS: host ${east.id.slice(0, 12)} is called 'east' in the cluster, .*last at 20`),
      ),
    ])
    for (const advice of ['--as NAME', `--host ${east.id.slice(0, 12)}`, 'cluster evict east'])
      expect(refused.err).toContain(advice)
    expect((await westShell.do('cluster status')).out).toContain('alone')
    // It is itself: given again, and after it left.
    expect((await shell.do(`${join} --reason moved`)).status).toBe(0)
    await shell.do('cluster leave')
    await all.pass()
    expect((await westShell.do(join)).status).toBe(0)
    expect((await shell.do(join)).err).toContain('ERR_EXISTS')
    expect((await shell.do('cluster join nats://servers:4222 --as other')).status).toBe(0)
    await all.pass()
    // Given another name, too, none is taken that is in use.
    expect((await shell.do(join)).err).toContain('ERR_EXISTS')
    for (const line of ['cluster evict east', 'cluster evict east --dead']) {
      all.arbiter.cut('west')
      expect((await shell.do(line)).status).toBe(0)
    }
    expect((await shell.do(join)).status).toBe(0)
    await all.pass()
    expect((await shell.do('cluster status')).out).toMatch(/^namesake +[0-9a-f]{12} is called east too: /m)
  })

  it('says all that is wrong with a request, and what stands in the way', async () => {
    const { all, shell } = await scene()
    const bad = await shell.do("cluster join http://a nats://u:secret@b --as 'no name'")
    expect(bad.status).toBe(1)
    expect(bad.err).toContain("'http://a', which is no server")
    expect(bad.err).toContain("'nats://***@b', with a user or a password, and it would stand in the log")
    expect(bad.err).not.toContain('secret')
    expect(bad.err).toContain('give it as nats://host:4222 or tls://host:4222')
    all.arbiter.cut('east')
    const cut = await shell.do('cluster join nats://servers:4222')
    expect([cut.status, cut.err]).toEqual([1, expect.stringContaining('ERR_CLUSTER_UNAVAILABLE')])
    expect((await shell.do('log')).out).not.toContain('ClusterJoined')
  })

  it('shows what happened on another host, with the names of that host', async () => {
    const { all, shell, west, westShell } = await scene()
    await joinBoth(shell, westShell)
    await westShell.do('network create shop')
    await westShell.do('sandbox create till')
    await westShell.do('connect shop till')
    await all.pass()
    const log = await shell.do('log --host west --type EndpointJoined')
    expect(log.out).toContain('EndpointJoined')
    expect(log.out).toContain('till')
    const last = await shell.do('log --host west --last 1 --json')
    expect(new Set(last.json().map(({ seq }) => seq))).toEqual(new Set([west.engine.log.durable.seq]))
    expect((await shell.do('log --host south')).err).toMatch(
      /no log of a host 'south' is here\n +there are: west/,
    )
    expect((await shell.do('log --host west --follow')).status).toBe(64)
    expect((await shell.do('log --host west --since 10m')).status).toBe(64)
  })

  it('shows all hosts in one order, what was on another one, and why', async () => {
    const { all, east, shell, west, westShell } = await scene()
    await joinBoth(shell, westShell)
    await westShell.do('network create shop')
    await westShell.do('sandbox create till --reason "the fair"')
    await all.pass()
    await shell.do('sandbox create desk')
    await all.pass()
    const log = await shell.do('log --cluster --type SandboxCreateRequested')
    expect(log.out).toMatch(/west#\d+ .*sandbox create till[^]*east#\d+ .*sandbox create desk/)
    const json = (await shell.do('log --cluster --json')).json()
    expect(new Set(json.map(({ host }) => host))).toEqual(new Set(['east', 'west']))
    const times = json.map(({ at }) => String(at))
    expect(times).toEqual([...times].sort())
    const last = (await shell.do('log --cluster --last 1 --json')).json()
    expect(new Set(last.map(({ host, seq }) => `${String(host)} ${String(seq)}`))).toEqual(
      new Set([`east ${east.engine.log.durable.seq}`]),
    )
    expect((await shell.do('log --cluster --since 1ms')).out).toBe('')
    for (const wrong of ['--host west', '--since #3', '--follow --last 1'])
      expect((await shell.do(`log --cluster ${wrong}`)).status).toBe(64)

    expect((await shell.do('show --host west')).out).toMatch(/shop/)
    expect((await shell.do('show shop --host west --json')).json()).toMatchObject([{ name: 'shop' }])
    expect((await shell.do('show --host west --at 2')).out).toContain('nothing was there')
    expect((await shell.do('show --host west --known-at 2')).err).toContain('nothing was known here')
    expect((await shell.do('show till --host west --known-at now')).status).toBe(0)
    expect((await shell.do('show --known-at now')).status).toBe(64)
    const why = await shell.do('why till')
    expect(why.out).toMatch(/^on host west\nsandbox till\n[^]*because +sandbox create till · .* · "the fair"/)
    expect((await shell.do('why till --host west --json')).json()).toMatchObject([{ host: 'west' }])
    expect((await shell.do('why nobody')).err).toContain('ERR_NOT_FOUND')
    expect((await shell.do('cluster status')).out).toMatch(
      new RegExp(`west #\\d+, digest ${west.engine.log.durable.hash.slice(0, 12)}`),
    )
  })
})
