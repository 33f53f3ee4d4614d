/** Durable consumers: readers that have a name, and go on where they were, whatever became of the process. On the simulated machine. */
import { describe, expect, it } from 'vitest'
import type { Controller } from '../../src/index.ts'
import { DATA_DIR, Lab } from '../engine/lab.ts'

const types = ['SandboxCreated', 'SandboxDeleted'] as const

/** Reads so many facts and stops in the middle of the last: it was given, and not done. */
async function readSome(
  controller: Controller,
  count: number,
  options: Parameters<Controller['facts']>[0],
): Promise<number[]> {
  const seqs: number[] = []
  for await (const fact of controller.facts(options)) {
    seqs.push(fact.seq)
    if (seqs.length === count) break
  }
  return seqs
}

async function withSandboxes(count: number) {
  const lab = new Lab()
  const controller = await lab.open()
  for (let i = 0; i < count; i++) await lab.do(controller.newSandbox(`box-${i}`))
  await lab.ports.time.runFor(100)
  return { controller, lab }
}

describe('a named consumer', () => {
  it('sees every fact, whenever the process dies, and only the last one twice', async () => {
    const { controller, lab } = await withSandboxes(6)
    const all = await lab.do(readSome(controller, 6, { from: 1, types: ['SandboxCreated'] }))
    let running = controller
    const seen: number[] = []
    for (const [life, count] of [2, 3, 3].entries()) {
      const got = await lab.do(
        readSome(running, count, { consumer: 'dns', from: 1, types: ['SandboxCreated'] }),
      )
      if (life > 0) expect(got[0]).toBe(seen.pop())
      seen.push(...got)
      lab.kill()
      running = await lab.open()
    }
    expect(seen).toEqual(all)
  })

  it('that begins now misses nothing of what comes before it has done anything', async () => {
    const { controller, lab } = await withSandboxes(1)
    const first = lab.do(readSome(controller, 1, { consumer: 'audit', types: ['SandboxCreated'] }))
    await lab.do(controller.newSandbox('late'))
    const [seq] = await first
    lab.kill()
    const again = await lab.open()
    expect(await lab.do(readSome(again, 1, { consumer: 'audit', types: ['SandboxCreated'] }))).toEqual([seq])
  })

  it('keeps apart from others, and passes what it does not want', async () => {
    const { controller, lab } = await withSandboxes(3)
    const one = await lab.do(readSome(controller, 3, { consumer: 'one', from: 1, types: ['SandboxCreated'] }))
    const two = await lab.do(readSome(controller, 1, { consumer: 'two', from: 1, types: ['SandboxCreated'] }))
    expect(two).toEqual(one.slice(0, 1))
    await lab.do(controller.sandbox('box-0').delete())
    const rest = await lab.do(readSome(controller, 2, { consumer: 'one', types: [...types] }))
    expect(rest[0]).toBe(one[2])
  })

  it('has one reader at a time, and a name that is one', async () => {
    const { controller, lab } = await withSandboxes(2)
    const facts = controller.facts({ consumer: 'dns', from: 1 })[Symbol.asyncIterator]()
    await lab.do(facts.next())
    await expect(lab.do(readSome(controller, 1, { consumer: 'dns' }))).rejects.toMatchObject({
      code: 'ERR_IN_USE',
    })
    await lab.do(Promise.resolve(facts.return?.()))
    expect(await lab.do(readSome(controller, 1, { consumer: 'dns' }))).toHaveLength(1)
    for (const consumer of ['', '@scrubber', 'a b', 'x'.repeat(65)])
      expect(() => controller.facts({ consumer })).toThrow(RangeError)
  })

  it('whose place cannot be read is told so, and does not begin anew', async () => {
    const { controller, lab } = await withSandboxes(2)
    await lab.do(readSome(controller, 2, { consumer: 'dns', from: 1 }))
    await lab.do(controller.close())
    lab.ports.disks.platter(DATA_DIR).damage('kdns', 'rot')
    const again = await lab.open()
    await expect(lab.do(readSome(again, 1, { consumer: 'dns', from: 1 }))).rejects.toMatchObject({
      code: 'ERR_LOG_DAMAGED',
      message: expect.stringContaining('dns') as string,
    })
  })
})
