/** Reading a log that is not whole: what is served is shown, and nobody takes it for all. */
import { describe, expect, it } from 'vitest'
import { withOthers, type Operations, type Status } from '../../src/operations/operations.ts'
import { CommandLab, say } from './lab.ts'

const blocked = { code: 'ERR_LOG_DAMAGED', message: 'the log is damaged at #3' } as const

async function damaged(): Promise<{ readonly reach: () => Promise<Operations>; readonly status: Status }> {
  const status: Status = { ...(await (await CommandLab.open()).status()), blocked }
  const nothing = { endpoints: [], networks: [], sandboxes: [], seq: 2 as never }
  const operations = withOthers({} as Operations, {
    claims: () =>
      Promise.resolve({
        claims: [],
        hosts: [],
        networks: [],
        origin: '' as never,
        read: 'nothing' as const,
        ready: false,
      }),
    close: () => Promise.resolve(),
    picture: () => Promise.resolve(nothing),
    plan: () => Promise.resolve({ open: [], orphans: ['link cnv1 (index 4)'], steps: [] }),
    status: () => Promise.resolve(status),
    verify: () => Promise.resolve({ commits: 2, damage: blocked, head: 'a'.repeat(64) }),
  })
  return { reach: () => Promise.resolve(operations), status }
}

describe('a log that is damaged', () => {
  it('is warned of by whoever reads it, beside what is shown', async () => {
    const { reach } = await damaged()
    const said = await say('network ls', reach)
    expect(said).toMatchObject({ out: '', status: 0 })
    expect(said.err).toContain('warning ERR_LOG_DAMAGED: the log is damaged at #3\n')
    expect((await say('sandbox ls --json', reach)).err).toBe(`${JSON.stringify({ warning: blocked })}\n`)
  })

  it('is what verify finds, and told once', async () => {
    const { reach } = await damaged()
    const told = 'error ERR_LOG_DAMAGED: the log is damaged at #3\n'
    expect(await say('verify', reach)).toMatchObject({ err: told, out: '', status: 1 })
    const said = await say('verify --json', reach)
    expect(JSON.parse(said.err)).toMatchObject({ error: blocked })
    expect(said.json()).toMatchObject([{ commits: 2, damage: blocked }])
  })

  it('is one finding of doctor, which advises to remove nothing', async () => {
    const { reach } = await damaged()
    const { err, out, status } = await say('doctor', reach)
    expect([err, status]).toEqual(['', 1])
    expect(out).toMatch(/BAD +log +ERR_LOG_DAMAGED: the log is damaged at #3/)
    expect(out).toMatch(/link cnv1 \(index 4\): the log as it is does not know it, and it is left alone/)
    expect(out).not.toContain('chronet heal')
  })
})
