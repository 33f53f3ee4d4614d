/** `chronet log --stream`: things that are, were, and never were. */
import { describe, expect, it } from 'vitest'
import { CommandLab, say } from './lab.ts'

async function withOneGone(): Promise<CommandLab> {
  const lab = await CommandLab.open()
  await lab.do('network create web --subnet 10.9.0.0/24')
  await lab.do('sandbox create a')
  await lab.do('connect web a')
  await lab.do('sandbox create gone')
  await lab.do('sandbox rm gone')
  return lab
}

describe('log --stream', () => {
  it('tells that nothing is or was called so, all of it at once, behind what was found', async () => {
    const lab = await withOneGone()
    const one = await lab.do('log --stream nope')
    expect([one.status, one.out]).toEqual([1, ''])
    expect(one.err).toBe(
      "error ERR_NOT_FOUND: no stream is or was called 'nope'\n" +
        '       give host, effects, a name, an id or its first characters, or network/NAME\n',
    )
    const three = await lab.do('log --stream nope --stream web --stream sandbox/web --json')
    expect(three.status).toBe(1)
    expect(three.json().map(({ type }) => type)).toEqual(['NetworkCreateRequested', 'NetworkCreated'])
    expect(JSON.parse(three.err)).toMatchObject({
      error: {
        code: 'ERR_NOT_FOUND',
        details: {
          problems: [{ field: 'stream' }, { message: expect.stringContaining("'sandbox/web'") as string }],
        },
      },
    })
  })

  it('shows what is gone, and that nothing happened to it since', async () => {
    const lab = await withOneGone()
    for (const name of ['gone', 'sandbox/gone']) {
      const types = (await lab.do(`log --json --stream ${name}`)).json().map(({ type }) => type)
      expect(types.at(-1)).toBe('SandboxDeleted')
      expect(await lab.do(`log --stream ${name} --last 0`)).toMatchObject({ err: '', out: '', status: 0 })
      expect(await lab.do(`log --stream ${name} --type HostStarted`)).toMatchObject({
        err: '',
        out: '',
        status: 0,
      })
    }
    const [sandbox] = (await lab.do('sandbox ls --json')).json()
    const id = String(sandbox?.id)
    for (const given of [id, id.slice(0, 6), `sandbox/${id}`, 'host', 'effects'])
      expect(await lab.do(`log --stream ${given} --last 0`)).toMatchObject({ err: '', status: 0 })
  })

  it('says whose an address is, which is no stream', async () => {
    const lab = await withOneGone()
    const { err, status } = await lab.do('log --stream 10.9.0.2')
    expect(status).toBe(1)
    expect(err).toContain('endpoint/a-web is whose it is or was')
  })

  it('wants a word', async () => {
    expect((await say('log --stream ""')).status).toBe(64)
  })
})
