/**
 * The run behind the golden log of a cluster: a host's life beside two others in which the facts come about that no host writes alone, and
 * those that the first golden log is older than. The same in every run.
 */
import { encodeCommit } from '../../events/index.ts'
import type { AnyFact, Commit } from '../../events/index.ts'
import { CLAIM_STREAM } from '../../src/cluster/claims/subjects.ts'
import type { Controller } from '../../src/index.ts'
import { addressesOn, cluster, type ClaimScene } from '../cluster/claims/scene.ts'
import { commitsOf } from '../engine/invariants.ts'

type Run = { readonly east: Controller; readonly scene: ClaimScene; west: Controller }

/** The log of the host `west`, a commit a line, as `chronet export` writes it. */
export async function clusterLog(): Promise<readonly string[]> {
  const { members, scene } = await cluster('east', 'west', 'north')
  const [east, west] = members as [Controller, Controller]
  const run: Run = { east, scene, west }
  for (const chapter of [lent, regressed, putOut, vanished, takenForDead, left]) await chapter(run)
  const commits: readonly Commit<AnyFact>[] = await commitsOf(scene.lab, run.west)
  for (const controller of [run.west, east]) await scene.lab.do(controller.close())
  return commits.map((commit) => encodeCommit(commit))
}

/** A network of all hosts with its name, pools, number and block; an address out of the block is lent to another host, and comes back. */
async function lent({ east, scene, west }: Run): Promise<void> {
  await scene.lab.do(west.newNetwork('test', 'shared', { ipam: { subnet: '10.9.0.0/24' }, ipv6: true }))
  await scene.lab.do(west.newEndpoint('shared', 'e'))
  await scene.lab.do(east.newEndpoint('shared', 'w', { address: '10.9.0.9' }))
  await scene.lab.do(east.endpoint('w').delete())
  await scene.pass(80_000)
}

/** The servers lose what they granted to another host while that is cut off, and grant it to this one, which loses it again. */
async function regressed({ east, scene, west }: Run): Promise<void> {
  await scene.lab.do(west.newNetwork('test', 'other', { ipam: { subnet: '10.9.1.0/24' } }))
  await scene.lab.do(east.newEndpoint('other', 'w'))
  const [granted] = addressesOn(east, 'other')
  scene.cut('east')
  scene.arbiter.regress(CLAIM_STREAM.name, 1)
  await scene.pass(1000)
  await scene.lab.do(west.newEndpoint('other', 'e', { address: String(granted).split('/')[0] ?? '' }))
  scene.heal('east')
  await scene.pass(30_000)
}

/** A host dies and is put out, first as one that may come back. */
async function putOut({ scene, west }: Run): Promise<void> {
  scene.kill('north')
  await scene.lab.do(west.dispatch({ data: { host: 'north' }, type: 'cluster.evict' }))
  await scene.lab.do(west.dispatch({ data: { dead: true, host: 'north' }, type: 'cluster.evict' }))
  await scene.pass(10_000)
}

/** A sandbox takes a namespace of somebody else, who takes it away. */
async function vanished({ scene: { lab }, west }: Run): Promise<void> {
  const path = '/proc/4711/ns/net'
  lab.root.addNamespace(path)
  await lab.do(west.newSandbox('theirs', { netns: path }))
  await lab.do(west.connect('shared', 'theirs'))
  const ours = [...(lab.world.mounts.get(path)?.binds ?? [])]
  for (const mount of [path, ...ours]) lab.root.unmount(mount)
  await lab.do(west.audit())
  await lab.ports.time.runFor(2000)
  await lab.do(west.sandbox('theirs').delete())
}

/** The host dies, is taken for dead, and comes back. */
async function takenForDead(run: Run): Promise<void> {
  const { east, scene } = run
  scene.kill('west')
  await scene.lab.do(east.dispatch({ data: { host: 'west' }, type: 'cluster.evict' }))
  await scene.lab.do(east.dispatch({ data: { dead: true, host: 'west' }, type: 'cluster.evict' }))
  await scene.pass(10_000)
  run.west = await scene.open('west')
  await scene.pass(10_000)
}

/** The host gives up what it had, and goes. */
async function left({ scene, west }: Run): Promise<void> {
  for (const { id } of west.queries.endpoints()) await scene.lab.do(west.endpoint(id).delete())
  await scene.pass(80_000)
  await scene.lab.do(west.leaveCluster())
  await scene.pass(1000)
}
