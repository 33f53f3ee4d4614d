/** Words that are wrong, help, and errors as they are told: without a log. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { EngineError, RefusedError, type ErrorCode } from '../../events/index.ts'
import { manual, MANUAL } from '../../scripts/write-manual.ts'
import { asJson, EXIT, exitCodeOf, tell, UsageError } from '../../src/cli/problems.ts'
import { VERSION } from '../../src/version.ts'
import { nobody, say } from './lab.ts'

describe('wrong usage', () => {
  it.each([
    ['nework', /^error ERR_USAGE: unknown command 'nework'\n {7}did you mean network\?\n$/],
    ['network', /error ERR_USAGE: a command is missing\n/],
    ['network foo', /error ERR_USAGE: unknown command 'foo'/],
    ['connect web', /error ERR_USAGE: missing required argument 'sandbox'/],
    ['connect web a b', /error ERR_USAGE: too many arguments/],
    ['connect web a --jsn', /error ERR_USAGE: unknown option '--jsn'\n {7}did you mean --json\?/],
    ['network create web --mtu big', /error ERR_USAGE: --mtu must be a whole number, not 'big'/],
    ['network create web --label team', /error ERR_USAGE: --label must be KEY=VALUE, not 'team'/],
    ['network create web --gateway 10.0.0.1', /--gateway 10\.0\.0\.1 lies in no subnet/],
    ['network create web --subnet 10.0.0.0/24 --gateway 10.0.0.1 --gateway 10.0.0.2', /has two gateways/],
    ['log --type EndpointExploded', /there is no type of fact 'EndpointExploded'/],
    ['log --last -3', /--last must be a number from 0, not -3/],
    ['verify --head abc', /--head must be 64 lowercase hex digits/],
    ['export --from yesterday', /--from must be a commit \(#12\), not 'yesterday'/],
  ])('chronet %s: exit status 64, and nothing is opened', async (line, message) => {
    const said = await say(line)
    expect(said.err).toMatch(message)
    expect(said.err).not.toContain('    at ')
    expect(said.status).toBe(64)
    expect(said.out).toBe('')
  })

  it('is told to programs as an object', async () => {
    const said = await say('connect web --json')
    expect(JSON.parse(said.err)).toMatchObject({ error: { code: 'ERR_USAGE' } })
  })
})

describe('help', () => {
  it('is there without a log, for chronet and for each command, with examples', async () => {
    for (const line of ['', '--help', 'network --help', 'connect --help', 'log -h']) {
      const said = await say(line, nobody)
      expect([said.status, said.err], line).toEqual([0, ''])
      expect(said.out).toContain('Usage: chronet')
    }
    expect((await say('connect --help')).out).toMatch(/Examples:\n {2}chronet connect web a\n/)
  })

  it('is what the word help asks for, too', async () => {
    expect((await say('help')).out).toBe((await say('--help')).out)
    expect((await say('help connect')).out).toBe((await say('connect --help')).out)
    expect((await say('help network create')).out).toMatch(/^Usage: chronet network create/)
  })

  it('tells the version', async () => {
    expect(await say('--version')).toMatchObject({ out: `${VERSION}\n`, status: 0 })
  })

  it('is what docs/cli.md says (npm run docs)', async () => {
    expect(readFileSync(MANUAL, 'utf8')).toBe(await manual())
  })

  it('shows for each command that changes something how to see it first', async () => {
    for (const command of ['network create', 'connect', 'sandbox rm', 'endpoint join'])
      expect(await manual()).toContain(command)
  })
})

describe('an error', () => {
  const taken = new RefusedError([
    {
      code: 'ERR_ADDRESS_TAKEN',
      message: '172.18.0.2 is held by a-web; take another address, or disconnect it',
    },
  ])

  it('says what, and on the next line what to do', () => {
    expect(tell(taken, false)).toEqual([
      'error ERR_ADDRESS_TAKEN: 172.18.0.2 is held by a-web',
      '       take another address, or disconnect it',
    ])
  })

  it('tells all problems, numbered', () => {
    const two = new RefusedError([
      { code: 'ERR_INVALID', message: 'an MTU of 5 is not possible; take 68 to 65535' },
      { code: 'ERR_EXISTS', message: 'network web exists' },
    ])
    expect(tell(two, false)).toEqual([
      'error: 2 problems',
      '  1. ERR_INVALID: an MTU of 5 is not possible',
      '     take 68 to 65535',
      '  2. ERR_EXISTS: network web exists',
    ])
  })

  it('has a stack with --debug only, with what caused it', () => {
    const error = new EngineError('ERR_CLOSED', 'closed', { cause: new Error('the disk is full') })
    expect(tell(error, false)).toHaveLength(1)
    expect(tell(error, true).join('\n')).toMatch(/ {4}at .*[^]*caused by Error: the disk is full/)
  })

  it('that nobody foresaw is called a defect', () => {
    expect(tell(new Error('x is undefined'), false).join(' ')).toMatch(/^error: x is undefined .*defect/)
  })

  it('ends with a status that scripts may rely on', () => {
    const of = (code: ErrorCode) => exitCodeOf(new EngineError(code, ''))
    expect(of('ERR_STORE_LOCKED')).toBe(69)
    expect(of('ERR_NOT_PERMITTED')).toBe(77)
    expect(of('ERR_NOT_FOUND')).toBe(1)
    expect(exitCodeOf(new UsageError(''))).toBe(EXIT.usage)
    expect(exitCodeOf(new Error(''))).toBe(1)
  })

  it('does not choose between two addresses of one family', async () => {
    const said = await say('connect web a --ip 10.9.0.7 --ip fd00::7 --ip 10.9.0.8')
    expect(said).toMatchObject({ out: '', status: 64 })
    expect(said.err).toContain('--ip names 10.9.0.7 and 10.9.0.8')
  })

  it('is an object for programs', () => {
    expect(asJson(taken)).toMatchObject({ error: { code: 'ERR_ADDRESS_TAKEN', details: { problems: [{}] } } })
  })
})
