/** chronet was updated, worked, and was set back: the older one serves what it knows, and says what to do. On the simulated machine. */
import { describe, expect, it } from 'vitest'
import type { AnyFact, CommandId, Commit, Epoch, Fact, Instant } from '../../events/index.ts'
import { FACT_VERSIONS, openLog, UPCASTERS, upcastBy } from '../../events/index.ts'
import type { Controller } from '../../src/index.ts'
import { DATA_DIR, Lab, RUN_DIR } from '../engine/lab.ts'

/** A log with a network; then a newer chronet writes one commit with this fact, and stops. */
async function setBack(fact: Pick<Fact, 'type' | 'v'>) {
  const lab = new Lab('newer')
  const before = await lab.open()
  await lab.do(before.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' } }))
  await lab.do(before.close())
  const from = await lab.do(append(lab, fact))
  return { from, lab }
}

async function append({ ports }: Lab, { type, v }: Pick<Fact, 'type' | 'v'>): Promise<number> {
  const disk = await ports.openDisk({ dataDir: DATA_DIR, runDir: RUN_DIR })
  const { hash, timers } = ports
  const afterTurn = (run: () => void): void => timers.afterTurn(run)
  const store = await disk.openStore()
  const log = await openLog({ afterTurn, hash, origin: disk.origin, store, upcast: upcastBy({}) })
  const { durable, seq } = log.append(
    {
      actor: { kind: 'engine' },
      at: '2100-01-01T00:00:00.000Z' as Instant,
      command: { data: {}, id: 'newer' as CommandId, type: 'host.observe' },
      epoch: 2 as Epoch,
      facts: [{ data: { orphans: 'none' }, stream: 'host', type, v }],
    },
    [],
  )
  await durable
  await log.close()
  await disk.close()
  return seq
}

const stored = async ({ ports }: Lab): Promise<readonly (readonly [string, string])[]> => {
  const disk = await ports.openDisk({ dataDir: DATA_DIR, runDir: RUN_DIR })
  const rows = await (await disk.openStore()).iterator().all()
  await disk.close()
  return rows
}

async function commitsOf(controller: Controller): Promise<readonly Commit<AnyFact>[]> {
  const commits: Commit<AnyFact>[] = []
  for await (const commit of controller.commits()) commits.push(commit)
  return commits
}

describe('a log that a newer chronet has written in', () => {
  it('is served up to there, and nothing is written: by type, version, and what to do', async () => {
    const { from, lab } = await setBack({ type: 'OrphansRemoved', v: 2 })
    const before = await lab.do(stored(lab))
    const links = lab.links()
    const controller = await lab.open()
    const refusal = {
      code: 'ERR_LOG_NEWER',
      details: { from, newer: { known: 1, type: 'OrphansRemoved', v: 2 } },
      message: expect.stringMatching(
        /OrphansRemoved in version 2.*take that chronet, or a later one/,
      ) as string,
    }
    expect(controller.blocked).toMatchObject(refusal)
    await expect(lab.do(controller.newSandbox('a'))).rejects.toMatchObject(refusal)
    expect(controller.queries.networks().map(({ name }) => name)).toEqual(['web'])
    expect((await lab.do(commitsOf(controller))).at(-1)?.seq).toBe(from - 1)
    expect(await lab.do(controller.verify())).toMatchObject({
      commits: from - 1,
      damage: { code: 'ERR_LOG_NEWER' },
    })
    await lab.do(controller.close())
    expect(await lab.do(stored(lab))).toEqual(before)
    expect(lab.links()).toEqual(links)
  })

  it('is one too where the whole type is new', async () => {
    const { from, lab } = await setBack({ type: 'PortPublished', v: 1 })
    const controller = await lab.open()
    expect(controller.blocked).toMatchObject({
      code: 'ERR_LOG_NEWER',
      details: { from, newer: { type: 'PortPublished', v: 1 } },
    })
    await lab.do(controller.close())
  })

  it('does not go on from a snapshot behind what is not known', async () => {
    const { from, lab } = await setBack({ type: 'OrphansRemoved', v: 2 })
    const disk = await lab.do(lab.ports.openDisk({ dataDir: DATA_DIR, runDir: RUN_DIR }))
    const store = await lab.do(disk.openStore())
    const { hash, timers } = lab.ports
    const options = {
      afterTurn: (run: () => void) => timers.afterTurn(run),
      hash,
      origin: disk.origin,
      store,
    }
    const newer = await lab.do(openLog({ ...options, upcast: upcastBy({}) }))
    const log = await lab.do(openLog({ ...options, checkpoint: newer.checkpoint() }))
    expect(log).toMatchObject({ damage: { from, newer: { v: 2 } }, durable: { seq: from - 1 } })
  })
})

it('every upcaster leads to the version that is known', () => {
  for (const [type, steps] of Object.entries(UPCASTERS))
    expect(steps.length + 1).toBe((FACT_VERSIONS as Readonly<Record<string, number>>)[type])
})
