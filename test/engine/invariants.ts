/**
 * What must hold whatever happened, whenever the engine is at rest. Each has an id, which stands in the failure.
 *
 *   A1 the chain of the log verifies           A2 every intent has one receipt, and no receipt has no intent
 *   K1 the kernel is what the log wants        K2 nothing that bears our mark is beside it
 *   K3 strangers' things are as they were      (checked by those who put some there: {@link textOf})
 */
import { expect } from 'vitest'
import type { AnyFact, Commit, Origin } from '../../events/index.ts'
import { builtinDrivers } from '../../src/drivers/index.ts'
import { contextOf } from '../../src/engine/context.ts'
import { ViewFold, type View } from '../../src/engine/view.ts'
import type { Controller } from '../../src/index.ts'
import type { KernelWorld } from '../../src/kernel/simulated/world.ts'
import { equalSpecs } from '../../src/reconcile/diff.ts'
import { specsOf } from '../../src/reconcile/specs.ts'
import { RUN_DIR, type Lab } from './lab.ts'

/** The whole log. Receipts that wait for company have been given the time. */
export async function commitsOf(lab: Lab, controller: Controller): Promise<Commit<AnyFact>[]> {
  await lab.ports.time.runFor(50)
  const read = async (): Promise<Commit<AnyFact>[]> => {
    const commits: Commit<AnyFact>[] = []
    for await (const commit of controller.commits()) commits.push(commit)
    return commits
  }
  return lab.do(read())
}

/** Facts of one type, in order. */
export const factsNamed = <T extends AnyFact['type']>(
  commits: readonly Commit<AnyFact>[],
  type: T,
): Extract<AnyFact, { type: T }>[] =>
  commits.flatMap(({ facts }) => facts.filter((fact) => fact.type === type)) as Extract<
    AnyFact,
    { type: T }
  >[]

/** All of them, on an engine that has come to rest. */
export async function checkInvariants(lab: Lab, controller: Controller): Promise<void> {
  const commits = await commitsOf(lab, controller)
  expect((await lab.do(controller.verify())).damage, 'A1').toBeUndefined()
  checkReceipts(commits)
  const fold = new ViewFold()
  fold.add(commits)
  await checkKernel(lab, controller.id as Origin, fold.view())
}

function checkReceipts(commits: readonly Commit<AnyFact>[]): void {
  const intended = factsNamed(commits, 'EffectsIntended').map(({ data }) => data.plan)
  const settled = factsNamed(commits, 'EffectsSettled').map(({ data }) => data.plan)
  expect([...settled].sort(), 'A2').toEqual([...new Set(intended)].sort())
}

async function checkKernel(lab: Lab, origin: Origin, view: View): Promise<void> {
  const context = contextOf(builtinDrivers, lab.ports.hash, origin)
  const wanted = specsOf(view.projections.desired, context)
  const runDir = `${RUN_DIR}/${origin.slice(0, 12)}`
  const kernel = await lab.ports.openKernel({ origin, runDir })
  const { found, strays } = await kernel.observe([...wanted.values()], { strays: true })
  await kernel.close()
  const wrong = [...wanted].filter(([key, spec]) => {
    const there = found.get(key)
    return !there?.ours || !equalSpecs(there.spec, spec)
  })
  expect(
    wrong.map(([key]) => `${key}: ${JSON.stringify(found.get(key)?.spec.differs ?? 'missing')}`),
    'K1',
  ).toEqual([])
  expect(
    strays.map(({ label }) => label),
    'K2',
  ).toEqual([])
}

/** All that a machine's kernel remembers, as text: equal text, equal kernels. */
export function textOf(world: KernelWorld): string {
  const places = [['host', world.host] as const, ...world.mounts]
  return places
    .flatMap(([where, ns]) => [
      `${where}: cookie ${ns.cookie}`,
      ...[...ns.links.values()].map(
        ({ master, ns: _ns, peer, ...link }) =>
          `${where}: link ${JSON.stringify({ ...link, master: master?.name, peer: peer?.ifindex })}`,
      ),
      ...ns.addresses.map(({ cidr, link }) => `${where}: address ${cidr} ${link.name}`),
      ...ns.routes.map(({ link, ...route }) => `${where}: route ${JSON.stringify(route)} ${link.name}`),
      ...[...ns.sysctls].map((pair) => `${where}: ${pair.join(' = ')}`),
      ...[...ns.tables.values()].map(
        ({ networks, ...table }) => `${where}: ${JSON.stringify({ ...table, networks: [...networks] })}`,
      ),
    ])
    .join('\n')
}

/** `done`, or the code of what was heard instead. */
export const outcomesOf = (results: readonly PromiseSettledResult<unknown>[]): string[] =>
  results.map((result) => (result.status === 'fulfilled' ? 'done' : codeOf(result.reason)))

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? String(error)
