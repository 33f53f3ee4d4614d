/** `chronet simulate`: what it says of runs that are well and of runs that are not. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { commitOf } from '../../src/cli/commit.ts'
import { readTape, tapeOf, writeTape, type Act } from '../../src/simulator/index.ts'
import { nobody, say } from './lab.ts'

const run = promisify(execFile)
const hasGit = spawnSync('git', ['--version']).status === 0

/** An act without what it needs: the world throws, whatever the engine is like. */
const BROKEN: Act = { atMs: 500, data: {}, host: 0, kind: 'client.ask' }
const CALM: Act = { atMs: 100, data: { ms: 1000 }, host: 0, kind: 'clock.jump' }

async function withTape(): Promise<{ readonly dir: string; readonly file: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'chronet-simulate-'))
  onTestFinished(() => rm(dir, { force: true, recursive: true }))
  const failure = {
    id: 'D1',
    last: [],
    seed: '7',
    step: 1,
    virtualMs: 500,
    why: "Cannot read properties of undefined (reading 'forEach')",
  }
  const file = join(dir, 'given.json')
  const why = `TypeError: ${failure.why}`
  await writeFile(file, writeTape(tapeOf({ ...failure, tape: [CALM, BROKEN, CALM], why }, { minutes: 1 })))
  return { dir, file }
}

describe('chronet simulate', () => {
  it('sums up what was simulated, and no log is opened', async () => {
    const said = await say('simulate --seed 1 --seeds 2 --minutes 1 --faults none', nobody)
    expect(said).toMatchObject({ err: '', status: 0 })
    expect(said.out).toMatch(/^simulated +\d+\.\d min in 2 runs, .* times as fast\)$/m)
    expect(said.out).toMatch(/^client .*\bask \d+/m)
    expect(said.out).toMatch(/^states +\d+ of \d+ pairs/m)
    expect(said.out).toMatch(/^checked +\d+ of \d+ invariants, \d+ times$/m)
    expect(said.out).toMatch(/nothing broke\n$/)
  })

  it('asks as much as --load says', async () => {
    const said = await say('simulate --seed 1 --minutes 10 --load 120 --faults none')
    expect(said).toMatchObject({ err: '', status: 0 })
    expect(said.out).toMatch(/^client +routine \d+$/m)
    expect(said.out).toMatch(/^commands +done \d+$/m)
  })

  it('is the same for the same seed, also for programs', async () => {
    const [one, two] = [
      await say('simulate --seed x --minutes 1 --json'),
      await say('simulate --seed x --minutes 1 --json'),
    ]
    const of = (said: typeof one) => ({ ...(said.json().at(-1)?.summary as object), tookMs: 0 })
    expect(of(one)).toEqual(of(two))
    expect(of(one)).toMatchObject({ failures: 0, first: 'x', runs: 1 })
  })

  it('tells the seed that it chose', async () => {
    const [summary] = (await say('simulate --minutes 1 --faults none --json')).json()
    expect((summary?.summary as { first: string }).first).toMatch(/^\d+$/)
    expect((await say('simulate --minutes 1 --faults none')).out).toMatch(/^seed +\d+$/m)
  })

  it('shows every port call with --trace', async () => {
    const said = await say('simulate --seed 1 --minutes 1 --faults none --trace')
    expect(said.out).toMatch(/^00:00:0\d\.\d{3} h0\.1 +\S/m)
  })

  it('says what broke, where, and how to see it again: exit status 1', async () => {
    const { file } = await withTape()
    const said = await say(`simulate --tape ${file}`)
    expect(said.status).toBe(1)
    expect(said.out).toMatch(
      /^FAIL D1 {2}seed=7 chronet=\d+\.\d+\.\d+(?: commit=\S+)? step=\d+ t=00:00:00\.500$/m,
    )
    expect(said.out).toMatch(/^ {2}but +TypeError: .*forEach/m)
    expect(said.out).toMatch(/^ {4}00:00:00\.500 world +h0 client\.ask/m)
    expect(said.out).toContain(`  again      chronet simulate --tape ${file} --trace\n`)
    expect((await say(`simulate --tape ${file} --json`)).json()[0]).toMatchObject({ failure: { id: 'D1' } })
  })

  it('makes a failure small, and what it writes plays again', async () => {
    const { dir, file } = await withTape()
    const said = await say(`simulate --tape ${file} --shrink ${dir}`)
    expect(said.out).toContain('D1-7.json (3 acts made 1)')
    const small = readTape(await readFile(join(dir, 'D1-7.json'), 'utf8'))
    expect(small.acts).toEqual([{ ...BROKEN, atMs: 0 }])
    expect((await say(`simulate --tape ${join(dir, 'D1-7.json')}`)).status).toBe(1)
  })

  it('plays a scenario with one crash', async () => {
    const said = await say('simulate --scenario attach --crash-at 3:before')
    expect(said).toMatchObject({ err: '', status: 0 })
    expect(said.out).toMatch(/1 run in .*it comes out wherever the engine dies/)
  })

  it('plays a scenario with a crash, and another one in the start after it', async () => {
    const said = await say('simulate --scenario attach --crash-at 30:after,5:before')
    expect(said).toMatchObject({ err: '', status: 0 })
    expect(said.out).toMatch(/1 run in .*it comes out wherever the engine dies/)
  })

  it.runIf(hasGit)('knows its commit in a checkout, and in nothing else', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'chronet-commit-'))
    onTestFinished(() => rm(dir, { force: true, recursive: true }))
    expect(await commitOf(dir)).toBeUndefined()
    const git = (...words: readonly string[]) =>
      run('git', ['-C', dir, '-c', 'user.name=x', '-c', 'user.email=x@y', ...words])
    await git('init', '-q')
    await writeFile(join(dir, 'file'), '1')
    await git('add', '.')
    await git('commit', '-qm', 'x')
    expect(await commitOf(dir)).toMatch(/^[0-9a-f]{12}$/)
    await writeFile(join(dir, 'file'), '2')
    expect(await commitOf(dir)).toMatch(/^[0-9a-f]{12}-dirty$/)
  })

  it.each([
    [
      '--faults bus',
      1,
      /^error ERR_UNSUPPORTED: there are no bus faults of one host, .*give --hosts 2 or more/,
    ],
    ['--faults disk,partition', 1, /^error ERR_UNSUPPORTED/],
    ['--faults crash,none', 64, /'none' goes with no other group of faults, not 'crash,none'/],
    ['--faults rain', 64, /there is no group of faults 'rain'/],
    ['--seed x --seeds 2', 64, /--seed must be a whole number where --seeds counts on/],
    ['--seed "a b"', 64, /--seed must be letters, digits/],
    ['--hosts 0', 64, /--hosts must be 1 to 64, not 0/],
    ['--load -1', 64, /--load must be 0 to 100000, not -1/],
    ['--load many', 64, /--load/],
    ['--tape x --load 5', 64, /--load does not go with --tape/],
    ['--scenario nowhere', 64, /there is no scenario 'nowhere'/],
    ['--scenario attach --hosts 2', 64, /--hosts does not go with --scenario/],
    ['--scenario attach --crash-at noon', 64, /--crash-at must be none, or as 12:before/],
    ['--scenario attach --crash-at 3:before,noon', 64, /--crash-at must be none, or as 12:before/],
    ['--scenario attach --crash-at 3:before --pairs 2', 64, /--pairs .* goes with no --crash-at/],
    ['--pairs 2', 64, /--pairs is of a scenario/],
    ['--tape x --seed 1', 64, /--seed does not go with --tape/],
    ['--tape /nowhere.json', 1, /^error ERR_NOT_FOUND: the tape \/nowhere\.json cannot be read/],
  ])('%s: exit status %i', async (words, status, message) => {
    const said = await say(`simulate ${words}`)
    expect(said.err).toMatch(message)
    expect(said).toMatchObject({ out: '', status })
  })
})
