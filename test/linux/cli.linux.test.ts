/** The command line on the real kernel: nobody serves, and beside an engine that does. Each step builds on the one before. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CommandHost, type Running } from './cli-host.ts'
import { converse } from './converse.ts'

const LONG = 180_000

describe('with no engine running', () => {
  let chronet: CommandHost
  beforeAll(async () => (chronet = await CommandHost.make()))
  afterAll(() => chronet[Symbol.asyncDispose]())

  const headOf = async (): Promise<string> => (await chronet.do('export')).err

  it(
    'makes a network and two sandboxes that reach each other',
    async () => {
      expect(await chronet.do('network ls')).toMatchObject({ out: '', status: 0 })
      expect(await chronet.do('network create web --subnet 10.81.0.0/24 --reason first')).toMatchObject({
        err: '',
        status: 0,
      })
      expect((await chronet.do('sandbox create a')).status).toBe(0)
      expect((await chronet.do('sandbox create b')).status).toBe(0)
      const env = { SUDO_UID: '1000', SUDO_USER: 'alice' }
      expect((await chronet.do('connect web a', env)).out).toMatch(/^a is on web as eth0: 10\.81\.0\.2\/24/)
      expect((await chronet.do('connect web b')).out).toMatch(/^b is on web as eth0: 10\.81\.0\.3\/24/)
      expect(await chronet.do('sandbox exec a ping -c 1 -W 5 10.81.0.3')).toMatchObject({ status: 0 })
      expect(await chronet.run(['sandbox', 'exec', 'a', 'sh', '-c', 'exit 7'])).toMatchObject({ status: 7 })
      expect(await chronet.do('sandbox exec a -- ip -o link')).toMatchObject({ status: 0 })
      expect(await chronet.do('sandbox exec a --')).toMatchObject({ status: 64 })
    },
    LONG,
  )

  it(
    'lists, shows the past, and says why',
    async () => {
      const [ls, then, why, log, diff] = await Promise.all([
        chronet.do('network ls'),
        chronet.do('show --at #4 --json'),
        chronet.do('why 10.81.0.2'),
        chronet.do('log --json --type EndpointJoined'),
        chronet.do('diff #4'),
      ])
      expect(ls.out).toMatch(
        /^NAME +DRIVER +SUBNETS +ENDPOINTS +SINCE +ID\nweb +bridge +10\.81\.0\.0\/24 +2 /,
      )
      expect(JSON.parse(then.out)).toMatchObject({
        endpoints: [],
        networks: [{ name: 'web', state: 'created' }],
      })
      expect(why.out).toContain('because  connect web a · cli · alice (uid 1000, through sudo)')
      expect(
        log.out
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as { type: string }),
      ).toMatchObject([{ type: 'EndpointJoined' }, { type: 'EndpointJoined' }])
      expect(diff.out).toMatch(
        /\n\+ sandbox a\n\+ sandbox b\n\+ endpoint a-web {2}10\.81\.0\.2\/24 on web, eth0 in a\n/,
      )
    },
    LONG,
  )

  it(
    'writes nothing on a dry run, neither to the log nor to the kernel',
    async () => {
      const before = [await headOf(), await chronet.host.text()]
      const said = await chronet.do('disconnect web b --dry-run')
      expect(said.out).toMatch(/^would write {2}EndpointLeaveRequested [^]*would do +take link eth0 of b/)
      expect(said.out).toMatch(/\ninterrupts {3}no established flow of b\n$/)
      expect((await chronet.do('network create db --dry-run')).out).toContain('make bridge cnb')
      expect([await headOf(), await chronet.host.text()]).toEqual(before)
    },
    LONG,
  )

  it(
    'counts the connections that a change would interrupt',
    async () => {
      const netnsOf = async (name: string): Promise<string> => {
        const { namespace } = JSON.parse((await chronet.do(`sandbox inspect ${name} --json`)).out) as {
          namespace: string
        }
        return namespace
      }
      const [a, b] = [await netnsOf('a'), await netnsOf('b')]
      const ends = [
        await converse(a, chronet.host.netns, '10.81.0.1'),
        await converse(chronet.host.netns, a, '10.81.0.2'),
        await converse(a, b, '10.81.0.3'),
      ]
      const said = await Promise.all(
        ['disconnect web a', 'disconnect web b', 'sandbox rm a'].map((line) =>
          chronet.do(`${line} --dry-run`),
        ),
      )
      expect(said.map(({ out }) => /interrupts +(.*)\n$/.exec(out)?.[1])).toEqual([
        '3 established flows of a',
        '1 established flow of b',
        '3 established flows of a',
      ])
      const powerless = ['setpriv', '--bounding-set=-net_admin,-sys_admin', '--']
      const barred = await chronet
        .start(['disconnect', 'web', 'a', '--dry-run', '--json'], {}, powerless)
        .end()
      expect(barred).toMatchObject({ status: 0 })
      expect(JSON.parse(barred.out)).toMatchObject({ dryRun: true, interrupts: { flows: 'unknown' } })
      for (const end of ends) await end()
    },
    LONG,
  )

  it(
    'finds what others changed, leaves it alone, and puts it back when told',
    async () => {
      expect(await chronet.do('plan')).toMatchObject({
        out: 'the kernel is as the log wants it\n',
        status: 0,
      })
      const [b] = JSON.parse(`[${(await chronet.do('endpoint inspect b-web --json')).out}]`) as {
        link: { name: string }
      }[]
      await chronet.host.do(`ip link del ${b?.link.name ?? ''}`)
      // A changing command leaves drift to heal.
      expect((await chronet.do('sandbox create c')).status).toBe(0)
      const plan = await chronet.do('plan')
      expect(plan.out).toMatch(/^heal would {2}make link eth0 of b /)
      expect(plan.status).toBe(2)
      expect((await chronet.do('heal --reason night-shift')).out).toMatch(
        /somebody changed the kernel; missing: link eth0 of b[^]*3 of 3 done/,
      )
      const healed = (await chronet.do('log --json')).out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
        .filter(({ command }) => command === 'drift.report')
      for (const fact of healed)
        expect(fact).toMatchObject({ actor: { kind: 'cli', verified: {} }, reason: 'night-shift' })
      expect(healed.map(({ type }) => type)).toEqual(['DriftObserved', 'EffectsIntended'])
      expect((await chronet.do('plan')).status).toBe(0)
      expect((await chronet.do('sandbox exec a ping -c 1 -W 5 10.81.0.3')).status).toBe(0)
    },
    LONG,
  )

  it(
    'tells errors, with the exit status of their kind',
    async () => {
      const powerless = ['setpriv', '--bounding-set=-net_admin,-sys_admin', '--']
      const barred = (line: string) => chronet.start(line.split(' '), {}, powerless).end()
      const [refused, usage, missing, denied, unseen, wrong] = await Promise.all([
        chronet.do('connect web a --ip 10.81.0.3'),
        chronet.do('connect web'),
        chronet.do('sandbox exec z true'),
        barred('sandbox create d'),
        barred('sandbox create d --netns /run/netns/nobody-knows'),
        barred('connect web a --ip 10.81.0.3'),
      ])
      for (const said of [denied, unseen]) {
        expect(said).toMatchObject({ out: '', status: 77 })
        expect(said.err).toMatch(/^error ERR_NOT_PERMITTED: /)
      }
      // What is wrong with what is asked comes first: it would be wrong for root, too.
      expect(wrong).toEqual(refused)
      expect(refused).toMatchObject({ out: '', status: 1 })
      expect(refused.err).toMatch(/^error: 2 problems\n {2}1\. ERR_EXISTS: [^]*\n {2}2\. ERR_ADDRESS_TAKEN: /)
      expect(usage).toMatchObject({ status: 64 })
      expect(missing.err).toMatch(/^error ERR_NOT_FOUND: there is no sandbox 'z'\n/)
      expect(refused.err + usage.err + missing.err).not.toContain('    at ')
    },
    LONG,
  )

  it(
    'waits for whoever has the data directory, then says who that is',
    async () => {
      const holder = await chronet.host.open({ heal: false })
      try {
        const said = await chronet.do('network ls')
        expect(said.status).toBe(69)
        expect(said.err).toMatch(new RegExp(`^error ERR_STORE_LOCKED: .*pid ${process.pid} `))
      } finally {
        await holder.close()
      }
    },
    LONG,
  )

  it(
    'exports what imports byte for byte, with the head that was noted',
    async () => {
      const { err, out } = await chronet.do('export')
      const head = /head ([0-9a-f]{64})/.exec(err)?.[1] ?? ''
      const file = join(chronet.host.base, 'log.ndjson')
      await writeFile(file, out)
      const there = join(chronet.host.base, 'copy')
      const imported = await chronet.run(['import', file, '--head', head, '--data-dir', there])
      expect(imported).toMatchObject({ err: '', status: 0 })
      const again = await chronet.run(['export', '--data-dir', there])
      expect(again.out).toBe(out)
      expect((await chronet.run(['verify', '--head', head, '--data-dir', there])).out).toMatch(
        new RegExp(`^chain of \\d+ commits ok, head ${head}\n$`),
      )
      expect(await readFile(join(there, 'origin'), 'utf8')).toBe(
        await readFile(join(chronet.host.dataDir, 'origin'), 'utf8'),
      )
      expect((await chronet.run(['import', file, '--data-dir', there])).err).toContain('ERR_EXISTS')
    },
    LONG,
  )

  it(
    'ends what it made, and leaves nothing',
    async () => {
      expect((await chronet.do('disconnect web a')).out).toMatch(/^a is off web /)
      expect((await chronet.do('sandbox rm a b c')).status).toBe(0)
      expect((await chronet.do('network rm web')).out).toMatch(/^network web is gone/)
      expect(await chronet.do('plan')).toMatchObject({ status: 0 })
      expect((await chronet.host.json(chronet.host.netns, 'ip -j link')).map(({ ifname }) => ifname)).toEqual(
        ['lo'],
      )
      expect(await chronet.host.mounted()).toEqual([])
      expect((await chronet.do('why a-web')).out).toMatch(/^endpoint a-web, which is gone\n/)
    },
    LONG,
  )
})

describe('beside an engine', () => {
  let chronet: CommandHost
  let engine: Running
  let follower: Running
  beforeAll(async () => {
    chronet = await CommandHost.make()
    engine = chronet.start(['engine'])
    await engine.says(/^ready: 0 networks[^]*\nserves .*engine\.sock\n/)
  }, LONG)
  afterAll(() => chronet[Symbol.asyncDispose]())

  it(
    'goes through its socket, and follows the log live',
    async () => {
      follower = chronet.start(['log', '--follow'])
      await follower.says(/HostStarted/)
      expect((await chronet.do('network create web --subnet 10.82.0.0/24')).status).toBe(0)
      expect((await chronet.do('sandbox create a')).status).toBe(0)
      expect((await chronet.do('connect web a')).out).toMatch(/^a is on web as eth0: 10\.82\.0\.2\/24/)
      await follower.says(/EndpointJoined +a-web is in sandbox a and carries/)
      const doctor = await chronet.do('doctor')
      expect(doctor.out).toMatch(/an engine runs \(pid \d+, chronet /)
      expect(doctor.status).toBe(0)
      // One epoch: nobody else opened the log.
      expect((await chronet.do('log --type HostStarted --json')).out.trim().split('\n')).toHaveLength(1)
    },
    LONG,
  )

  it(
    'sees it heal, and tells of it',
    async () => {
      const { link } = JSON.parse((await chronet.do('endpoint inspect a-web --json')).out) as {
        link: { name: string }
      }
      await chronet.host.do(`ip link del ${link.name}`)
      await engine.says(/somebody changed the kernel; missing: link eth0 of a/)
      await follower.says(/EffectsSettled +heal of #\d+: 3 of 3 done/)
      expect((await chronet.do('plan')).status).toBe(0)
      expect((await chronet.do('why a-web')).out).toContain('DriftObserved')
    },
    LONG,
  )

  it(
    'lets it end at a signal, and goes on without it',
    async () => {
      expect(await engine.end('SIGTERM')).toMatchObject({ status: 0 })
      expect((await chronet.do('sandbox rm a')).status).toBe(0)
      await follower.says(/SandboxDeleted +sandbox a is gone/)
      expect(await follower.end('SIGINT')).toMatchObject({ err: '', status: 0 })
      expect((await chronet.do('network rm web')).status).toBe(0)
      expect((await chronet.do('verify')).status).toBe(0)
    },
    LONG,
  )
})
