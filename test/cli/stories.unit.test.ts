/** Whole stories on the command line, on a simulated machine. */
import { describe, expect, it } from 'vitest'
import { CommandLab } from './lab.ts'

async function withTwo(): Promise<CommandLab> {
  const lab = await CommandLab.open()
  await lab.do('network create web --subnet 10.9.0.0/24 --reason "a first network"')
  await lab.do('sandbox create a')
  await lab.do('sandbox create b --hostname bee')
  await lab.do('connect web a', { SUDO_UID: '1000', SUDO_USER: 'alice' })
  return lab
}

describe('everyday commands', () => {
  it('make, list and end things', async () => {
    const lab = await withTwo()
    const connected = await lab.do('connect web b')
    expect(connected).toMatchObject({ err: '', status: 0 })
    expect(connected.out).toMatch(
      /^b is on web as eth0: 10\.9\.0\.3\/24, 02:42:0a:09:00:03 +\(#\d+, [\d.]+ m?s\)\n$/,
    )
    expect((await lab.do('network ls')).out.split('\n')[1]).toMatch(/^web +bridge +10\.9\.0\.0\/24 +2 +\S/)
    expect((await lab.do('sandbox ls')).out.split('\n')[2]).toMatch(/^b +eth0 10\.9\.0\.3 +bee /)
    expect((await lab.do('endpoint ls --network web')).out.split('\n')[1]).toMatch(
      /^a-web +web +a eth0 +10\.9\.0\.2\/24/,
    )
    expect((await lab.do('disconnect web b')).out).toMatch(/^b is off web /)
    expect((await lab.do('sandbox rm a b')).out).toMatch(/^sandbox a is gone.*\nsandbox b is gone/)
    expect((await lab.do('network rm web')).status).toBe(0)
    expect(await lab.do('network ls')).toMatchObject({
      err: "no networks; 'chronet network create NAME' makes one\n",
      out: '',
    })
  })

  it('reserve, join, leave and free', async () => {
    const lab = await withTwo()
    expect((await lab.do('endpoint create web e1 --ip 10.9.0.77')).out).toMatch(
      /^endpoint e1 on web holds 10\.9\.0\.77\/24/,
    )
    expect((await lab.do('endpoint join e1 b --if-name eth7')).out).toMatch(/^e1 is in sandbox b as eth7/)
    expect((await lab.do('endpoint rm e1')).err).toMatch(/^error ERR_/)
    expect((await lab.do('endpoint leave e1')).status).toBe(0)
    expect((await lab.do('endpoint rm e1')).out).toMatch(/^endpoint e1 is gone/)
  })

  it('tell an object a line with --json', async () => {
    const lab = await withTwo()
    const [made] = (await lab.do('sandbox create c --json')).json()
    expect(made).toMatchObject({ commit: { command: { type: 'sandbox.create' } }, settled: {} })
    expect(made?.id).toMatch(/^[0-9a-f]{64}$/)
    expect((await lab.do('sandbox ls --json')).json().map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect((await lab.do('network inspect web --json')).json()).toMatchObject([
      { kind: 'network', name: 'web' },
    ])
  })

  it('tell all that makes a network what it is', async () => {
    const lab = await CommandLab.open()
    const options =
      '--subnet 10.9.0.0/16 --gateway 10.9.0.1 --ip-range 10.9.5.0/24 --aux-address router=10.9.0.7 --subnet fd00:9::/64 --if-prefix lan' +
      ' --opt com.docker.network.driver.mtu=9000 --opt com.docker.network.bridge.name=br9'
    expect((await lab.do(`network create web ${options}`)).err).toBe('')
    const pool = '10.9.0.0/16, gateway 10.9.0.1, addresses out of 10.9.5.0/24, router=10.9.0.7 set aside'
    const told = (await lab.do('network inspect web')).out
    expect(told).toContain(`\n  subnet      ${pool}\n  subnet      fd00:9::/64, gateway fd00:9::1\n`)
    expect(told).toMatch(
      /\n {2}bridge {6}br9, [^]*\n {2}mtu {9}9000\n {2}interfaces {2}lan0, lan1, … in sandboxes\n {2}options {5}com\.docker\.network\.bridge\.name=br9\n {14}com\.docker\.network\.driver\.mtu=9000\n/,
    )
    expect((await lab.do('network inspect web --json')).json()).toMatchObject([
      {
        bridge: { name: 'br9' },
        ifPrefix: 'lan',
        mtu: 9000,
        options: {
          'com.docker.network.bridge.name': 'br9',
          'com.docker.network.driver.mtu': '9000',
        },
        subnets: [
          {
            auxAddresses: { router: '10.9.0.7' },
            gateway: '10.9.0.1',
            ipRange: '10.9.5.0/24',
            subnet: '10.9.0.0/16',
          },
          { gateway: 'fd00:9::1', subnet: 'fd00:9::/64' },
        ],
      },
    ])
    for (const line of ['log', 'why web']) {
      const { out } = await lab.do(line)
      expect(out).toContain(`on br9: ${pool}; fd00:9::/64, gateway fd00:9::1; mtu 9000; interfaces lan0, …`)
      expect(out).toContain('network create web --opt com.docker.network.')
    }
  })

  it('drop columns where the terminal is narrow, never a part of an id', async () => {
    const lab = await withTwo()
    const narrow = (await lab.do('endpoint ls', { NO_COLOR: '1' }, 60)).out
    expect(narrow).not.toContain('MAC')
    expect(narrow).toContain('10.9.0.2/24')
    for (const line of narrow.split('\n')) expect(line.length).toBeLessThanOrEqual(60)
  })

  it('paint on a terminal, and not with NO_COLOR or elsewhere', async () => {
    const lab = await withTwo()
    expect((await lab.do('network ls', {}, 200)).out).toContain('\u001b[')
    expect((await lab.do('network ls', { NO_COLOR: '1' }, 200)).out).not.toContain('\u001b[')
    expect((await lab.do('network ls')).out).not.toContain('\u001b[')
  })
})

describe('refusals', () => {
  it('tell all problems at once, and write nothing', async () => {
    const lab = await withTwo()
    const before = (await lab.status()).head.seq
    const said = await lab.do('network create web --subnet 10.0.0.1/24 --mtu 5')
    expect(said.status).toBe(1)
    expect(said.err).toMatch(/^error: 3 problems\n {2}1\. ERR_[^]*\n {2}3\. ERR_/)
    expect((await lab.do('connect web a --ip 10.9.0.2')).err).toContain('ERR_ADDRESS_TAKEN')
    expect((await lab.do('network inspect db')).err).toBe(
      "error ERR_NOT_FOUND: there is no network 'db'\n       'chronet network ls' lists what there is\n",
    )
    expect((await lab.status()).head.seq).toBe(before)
  })
})

describe('--dry-run', () => {
  it('says what would be written and done, and writes nothing', async () => {
    const lab = await withTwo()
    const before = await lab.status()
    const said = await lab.do('connect web b --dry-run')
    expect(said.out).toMatch(/^would write {2}EndpointReserved +b-web holds 10\.9\.0\.3\/24/)
    expect(said.out).toMatch(
      /\nwould do +make link eth0 of b \(cnv\w{12} on cnb\w{12}\)\n +make address 10\.9\.0\.3\/24 on eth0 of b\n/,
    )
    expect((await lab.do('disconnect web a --dry-run')).out).toMatch(
      /would do +take link eth0 of a .*out of service\nthen +remove link/,
    )
    expect((await lab.do('network create db --dry-run --json')).json()).toMatchObject([
      { dryRun: true, facts: [{ type: 'NetworkCreateRequested' }, {}] },
    ])
    expect(await lab.status()).toEqual(before)
  })

  it('says how many connections are interrupted, or that it is not known', async () => {
    const lab = await withTwo()
    const { world } = lab.lab
    const [a = ''] = (await lab.do('sandbox inspect a --json')).json().map(({ id }) => String(id))
    expect((await lab.do('disconnect web a --dry-run')).out).toMatch(
      /\ninterrupts {3}no established flow of a\n$/,
    )
    const ends = [lab.lab.in(a).converse('10.9.0.1'), lab.lab.in(a).converse('10.9.0.1')]
    for (const line of [
      'disconnect web a',
      'endpoint leave a-web',
      'endpoint rm a-web --force',
      'sandbox rm a',
    ])
      expect((await lab.do(`${line} --dry-run`)).out).toMatch(/\ninterrupts {3}2 established flows of a\n$/)
    ends[0]?.()
    const [preview] = (await lab.do('disconnect web a --dry-run --json')).json()
    const { endpoints } = await lab.picture()
    expect(preview?.interrupts).toEqual({ endpoints: [endpoints[0]?.id], flows: 1 })
    expect((await lab.do('connect web b --dry-run')).out).not.toContain('interrupts')

    world.flows = undefined
    expect((await lab.do('disconnect web a --dry-run')).out).toMatch(
      /\ninterrupts {3}unknown: the kernel does not tell of the established flows of a\n$/,
    )
    expect((await lab.do('disconnect web a --dry-run --json')).json()[0]?.interrupts).toMatchObject({
      flows: 'unknown',
    })
  })

  it('refuses what would be refused', async () => {
    const lab = await withTwo()
    expect(await lab.do('connect web a --dry-run')).toMatchObject({ out: '', status: 1 })
  })
})

describe('looking back', () => {
  it('shows how it was, at a commit and at a time', async () => {
    const lab = await withTwo()
    const made = (await lab.do('sandbox create c --json')).json()[0] as { commit: { seq: number } }
    await lab.do('sandbox rm c')
    expect((await lab.do('show c')).err).toContain("nothing was called 'c'")
    expect((await lab.do(`show c --at #${made.commit.seq}`)).out).toMatch(/^as of #\d+.*\nsandbox c\n/)
    expect((await lab.do('show --at 0')).out).toBe('as of #0\nnothing was there\n')
    expect((await lab.do('show --at #9999')).err).toMatch(/^error ERR_INVALID: the log ends at #/)
    expect((await lab.do('show --at whenever')).err).toContain('is no moment')
    expect((await lab.do('show 10.9.0.2 --json')).json()).toMatchObject([{ kind: 'endpoint', name: 'a-web' }])
  })

  it('tells what changed between two moments', async () => {
    const lab = await withTwo()
    const { seq } = (await lab.status()).head
    await lab.do('connect web b')
    await lab.do('disconnect web a')
    await lab.do('network create db')
    const said = await lab.do(`diff #${seq}`)
    expect(said.out).toMatch(
      /\n\+ network db {2}bridge [^]*\n- endpoint a-web [^]*\n\+ endpoint b-web {2}10\.9\.0\.3\/24 on web, eth0 in b\n/,
    )
    expect((await lab.do(`diff now #${seq} --json`)).json().map(({ how, name }) => [how, name])).toEqual([
      ['went', 'db'],
      ['came', 'a-web'],
      ['went', 'b-web'],
    ])
    expect((await lab.do('diff now')).out).toContain('nothing differs')
  })

  it('says why, back to the person, also of what is gone', async () => {
    const lab = await withTwo()
    const said = await lab.do('why 10.9.0.2')
    expect(said.out).toMatch(/^10\.9\.0\.2 belongs to endpoint a-web \(network web\), eth0 in sandbox a\n/)
    expect(said.out).toMatch(/because {2}connect web a · cli · alice \(uid 1000, through sudo\)\n/)
    expect((await lab.do('why web')).out).toContain('"a first network"')
    await lab.do('disconnect web a')
    await lab.do('connect web b --ip 10.9.0.2')
    const gone = await lab.do('why a-web')
    expect(gone.out).toMatch(
      /^endpoint a-web, which is gone\n[^]*EndpointReleased[^]*sweep of #\d+: 1 of 1 done/,
    )
    const both = await lab.do('why 10.9.0.2')
    expect(both.out).toMatch(/^10\.9\.0\.2 belongs to endpoint b-web/)
    expect(both.err).toContain('a-web (endpoint/')
    expect((await lab.do('why nobody')).err).toContain("nothing is or was called 'nobody'")
  })

  it('logs in sentences, or a fact a line, as far as wanted', async () => {
    const lab = await withTwo()
    expect((await lab.do('log')).out).toMatch(/^#1 {2}.* the engine starts\n {2}\.1 {2}HostStarted/)
    const facts = (await lab.do('log --json --type EndpointReserved --type endpointjoined')).json()
    expect(facts.map(({ type }) => type)).toEqual(['EndpointReserved', 'EndpointJoined'])
    expect(
      (await lab.do('log --json --stream endpoint/a-web --stream host'))
        .json()
        .map(({ stream }) => String(stream).slice(0, 9)),
    ).toEqual(['host', 'endpoint/', 'endpoint/', 'endpoint/'])
    const last = (await lab.do('log --last 1')).out
    expect(last).toMatch(/^#\d+ [^]*a-web is in sandbox a and carries\n$/)
    expect((await lab.do('log --since #2')).out).toMatch(/^#2 /)
  })
})

describe('upkeep', () => {
  it('plans what heal does, and says when there is nothing', async () => {
    const lab = await withTwo()
    expect(await lab.do('plan')).toMatchObject({ out: 'the kernel is as the log wants it\n', status: 0 })
    const [endpoint] = (await lab.do('endpoint ls --json')).json() as unknown as { link: { name: string } }[]
    lab.lab.root.deleteLink(endpoint?.link.name ?? '')
    const said = await lab.do('plan')
    expect(said.status).toBe(2)
    expect(said.out).toMatch(/^heal would {2}make link eth0 of a /)
  })

  it('verifies, and finds a head that was noted', async () => {
    const lab = await withTwo()
    const { hash, seq } = (await lab.status()).head
    await lab.do('sandbox create c')
    expect((await lab.do(`verify --head ${hash}`)).out).toMatch(
      new RegExp(`the head that was given is #${seq}; 2 commits came after it`),
    )
    expect(await lab.do(`verify --head ${'a'.repeat(64)}`)).toMatchObject({ status: 1 })
    expect((await lab.do('verify --json')).json()).toMatchObject([{ commits: seq + 2 }])
  })

  it('exports every commit, a line each', async () => {
    const lab = await withTwo()
    const { hash, seq } = (await lab.status()).head
    const said = await lab.do('export')
    expect(said.json()).toHaveLength(seq)
    expect(said.err).toBe(`${seq} commits, head ${hash}\n`)
    expect((await lab.do('export --from #2 --to 3')).json().map((commit) => commit.seq)).toEqual([2, 3])
    for (const range of ['--to 9999', '--from 9999', '--from 3 --to 2']) {
      const wrong = await lab.do(`export ${range}`)
      expect(wrong).toMatchObject({ out: '', status: 1 })
      expect(wrong.err).toMatch(/^error ERR_INVALID: (the log ends at #|#2 comes before #3)/)
    }
  })
})
