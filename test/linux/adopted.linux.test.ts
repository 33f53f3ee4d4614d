/** A namespace that somebody else made, handed over on the command line and taken back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CommandHost } from './cli-host.ts'
import { run } from './machine.ts'

const LONG = 180_000
const NAME = `chronet-adopted-${process.pid}`
const PATH = `/run/netns/${NAME}`

describe('a namespace that somebody else made', () => {
  let chronet: CommandHost
  beforeAll(async () => {
    chronet = await CommandHost.make()
    await run('ip', 'netns', 'add', NAME)
  })
  afterAll(async () => {
    await run('ip', 'netns', 'del', NAME).catch(() => undefined)
    await chronet[Symbol.asyncDispose]()
  })

  it(
    'is taken, reaches others, and is its owner’s again',
    async () => {
      expect((await chronet.do('network create web --subnet 10.82.0.0/24 --ipv6')).err).toBe('')
      expect((await chronet.do('sandbox create own')).err).toBe('')
      expect((await chronet.do(`sandbox create theirs --netns ${PATH}`)).err).toBe('')
      expect((await chronet.do('connect web own')).err).toBe('')
      expect((await chronet.do('connect web theirs')).err).toBe('')
      const ping = ['ping', '-c', '1', '-W', '5']
      await run('ip', 'netns', 'exec', NAME, ...ping, '10.82.0.2')
      expect(await chronet.do('plan')).toMatchObject({ status: 0 })
      expect(await chronet.do('sandbox exec theirs ip -o link')).toMatchObject({ status: 0 })
      const refused = await chronet.do(`sandbox create again --netns ${PATH}`)
      expect(refused).toMatchObject({ status: 1 })
      expect(refused.err).toContain("sandbox 'theirs' has it")
      expect((await chronet.do('sandbox rm theirs')).err).toBe('')
      expect(await run('ip', '-n', NAME, '-br', 'link')).toMatch(/^lo .*\n$/)
      expect(await chronet.do('plan')).toMatchObject({ status: 0 })
    },
    LONG,
  )

  it(
    'that is gone leaves a vanished sandbox, and an endpoint with its address',
    async () => {
      expect((await chronet.do(`sandbox create theirs --netns ${PATH}`)).err).toBe('')
      const connected = await chronet.do('connect web theirs --ip 10.82.0.77')
      expect(connected.err).toBe('')
      const { namespace } = JSON.parse((await chronet.do('sandbox inspect theirs --json')).out) as {
        readonly namespace: string
      }
      await run('umount', '--lazy', namespace)
      await run('ip', 'netns', 'del', NAME)
      const healed = await chronet.do('heal')
      expect(healed).toMatchObject({ err: '', status: 0 })
      expect(healed.out).toContain(`sandbox theirs is vanished: the namespace that was at ${PATH}`)
      expect((await chronet.do('sandbox ls')).out).toMatch(/\ntheirs .*vanished/)
      expect((await chronet.do('endpoint ls')).out).toMatch(/theirs-web .*10\.82\.0\.77.*reserved/)
      expect((await chronet.do('doctor')).out).toContain('sandbox theirs is vanished')
      expect((await chronet.do('sandbox rm theirs')).err).toBe('')
      expect(await chronet.do('plan')).toMatchObject({ status: 0 })
    },
    LONG,
  )
})
