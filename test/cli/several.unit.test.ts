/** Several things in one command, and one command given twice. */
import { describe, expect, it } from 'vitest'
import { CommandLab } from './lab.ts'

async function withThree(): Promise<CommandLab> {
  const lab = await CommandLab.open()
  await lab.do('network create web --subnet 10.9.0.0/24')
  for (const name of ['a', 'b', 'c']) await lab.do(`sandbox create ${name}`)
  return lab
}

describe('several things', () => {
  it('are all shown, or all that is wrong with them is told', async () => {
    const lab = await withThree()
    const said = await lab.do('sandbox inspect a nope nada')
    expect(said).toMatchObject({ out: '', status: 1 })
    expect(said.err).toMatch(
      /^error: 2 problems\n {2}1\. ERR_NOT_FOUND: .*'nope'\n[^]* {2}2\. ERR_NOT_FOUND: .*'nada'/,
    )
    for (const kind of ['network', 'endpoint'])
      expect((await lab.do(`${kind} inspect x y`)).err).toContain('error: 2 problems')
    expect((await lab.do('sandbox inspect a b --json')).json()).toHaveLength(2)
  })

  it('are all ended, save those that cannot be', async () => {
    const lab = await withThree()
    const said = await lab.do('sandbox rm a nope b nada')
    expect(said.status).toBe(1)
    expect(said.out).toMatch(/^sandbox a is gone .*\nsandbox b is gone .*\n$/)
    expect(said.err).toContain('error: 2 problems')
    expect((await lab.do('sandbox ls --json')).json().map(({ name }) => name)).toEqual(['c'])
  })
})

describe('--id', () => {
  it('has a command done once, and answered as often as it is given', async () => {
    const lab = await withThree()
    const first = await lab.do('sandbox create d --id once-only')
    const again = await lab.do('sandbox create d --id once-only')
    expect([first.status, again.status]).toEqual([0, 0])
    expect(again.out.replace(/, [^)]*\)/, '')).toBe(first.out.replace(/, [^)]*\)/, ''))
    const made = (await lab.do('log --stream d --type SandboxCreateRequested --json')).json()
    expect(made).toHaveLength(1)
    const other = await lab.do('sandbox create e --id once-only')
    expect([other.status, other.err]).toEqual([1, expect.stringContaining('ERR_COMMAND_ID_REUSED')])
  })

  it('stands for one command, and is no blank', async () => {
    const lab = await withThree()
    const two = await lab.do('sandbox rm a b --id x')
    expect([two.status, two.err]).toEqual([64, expect.stringContaining('--id stands for one command')])
    const blank = await lab.do('sandbox rm a --id "o o"')
    expect([blank.status, blank.err]).toEqual([64, expect.stringContaining('without a space')])
    expect((await lab.do('heal --id x')).status).toBe(64)
    expect((await lab.do('sandbox ls --json')).json()).toHaveLength(3)
  })
})

describe('a refusal', () => {
  it('calls the sandbox by its name whose interface is taken', async () => {
    const lab = await withThree()
    await lab.do('network create db --subnet 10.10.0.0/24')
    await lab.do('connect web a')
    const { err } = await lab.do('connect db a --if-name eth0')
    expect(err).toContain("interface 'eth0' in sandbox a is held by endpoint a-web (sandbox a) since")
  })
})
