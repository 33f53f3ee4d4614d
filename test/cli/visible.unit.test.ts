/** What people wrote, on a terminal: it neither moves the cursor nor looks like more lines. */
import { describe, expect, it } from 'vitest'
import { visible } from '../../src/cli/visible.ts'
import { CommandLab } from './lab.ts'

describe('text of others', () => {
  it('has its control characters written out, and our own paint left', () => {
    expect(visible('a\nb\r\tc')).toBe('a\\nb\\r\\tc')
    expect(visible('\u001b[2J\u001b]0;x\u0007')).toBe('\\u001b[2J\\u001b]0;x\\u0007')
    expect(visible('\u202egnp.exe')).toBe('\\u202egnp.exe')
    expect(visible('\u001b[31mBAD \u001b[0m')).toBe('\u001b[31mBAD \u001b[0m')
    expect(visible('grün · →')).toBe('grün · →')
  })

  it('stays one line wherever it is told', async () => {
    const lab = await CommandLab.open()
    await lab.do('sandbox create a --label "k=\u001b[2J" --reason "one\n#9  two"')
    expect((await lab.do('log')).out).toContain('· "one\\n#9  two"\n')
    expect((await lab.do('why a')).out).toContain('· "one\\n#9  two"\n')
    expect((await lab.do('sandbox inspect a')).out).toContain('k=\\u001b[2J\n')
    expect((await lab.do('sandbox inspect "\u001b[2J"')).err).not.toContain('\u001b')
    expect((await lab.do('sandbox inspect a --json')).json()).toMatchObject([{ labels: { k: '\u001b[2J' } }])
  })
})
