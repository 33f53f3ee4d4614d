/**
 * The run behind the golden log: one host's life on the simulated machine in which every type of fact comes about, the same in every run.
 */
import { encodeCommit } from '../../events/index.ts'
import type { AnyFact, Commit, Step } from '../../events/index.ts'
import type { Controller } from '../../src/index.ts'
import { commitsOf } from '../engine/invariants.ts'
import { DATA_DIR, Lab } from '../engine/lab.ts'

type Run = { controller: Controller; readonly lab: Lab }

/** The log of the run, a commit a line, each the very bytes that the chain covers: as `chronet export` writes it. */
export async function goldenLog(): Promise<readonly string[]> {
  const lab = new Lab('golden')
  const run: Run = { controller: await lab.open(), lab }
  for (const chapter of [ordinary, refused, drifted, lost, ended]) await chapter(run)
  const commits: readonly Commit<AnyFact>[] = await commitsOf(lab, run.controller)
  await lab.do(run.controller.close())
  return commits.map((commit) => encodeCommit(commit))
}

/** Networks of one and both families, sandboxes, endpoints that are made, joined, left and deleted; labels, names, options. */
async function ordinary({ controller, lab }: Run): Promise<void> {
  const labels = { 'com.example.team': 'dns', note: 'käse' }
  await lab.do(controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' }, labels, mtu: 1400 }))
  const db = [{ subnet: '10.9.1.0/24' }, { subnet: 'fd00:9::/64' }]
  await lab.do(controller.newNetwork('bridge', 'db', { internal: true, ipam: db }, { reason: 'a store of its own' }))
  for (const name of ['a', 'b']) await lab.do(controller.newSandbox(name, { domain: 'example.org', hostname: name }))
  await lab.do(controller.connect('web', 'a'))
  await lab.do(controller.connect('db', 'a', { address: '10.9.1.7', priority: 3 }))
  const endpoint = await lab.do(controller.newEndpoint('web', 'e', { labels }))
  await lab.do(endpoint.join('b'))
  await lab.do(endpoint.leave())
  await lab.do(endpoint.delete())
  await lab.do(controller.disconnect('db', 'a'))
}

/** The kernel refuses each kind of thing once. */
async function refused({ controller, lab }: Run): Promise<void> {
  const refusing = async (isRefused: (step: Step) => boolean, ask: () => Promise<unknown>): Promise<void> => {
    lab.world.faults.push({
      errno: 'EBUSY',
      match: isRefused,
      times: 1,
      when: 'before',
    })
    await lab.do(ask().catch(() => undefined))
    lab.world.faults.length = 0
    await lab.ports.time.runFor(1000)
  }
  const isNot = ({ op }: Step): boolean => op !== 'ensure'
  const is = (kind: string, wanted: Step['op'] = 'ensure') => ({ op, spec }: Step): boolean => op === wanted && spec.kind === kind
  const subnet = { ipam: { subnet: '10.9.2.0/24' } }
  await refusing(is('firewall-network'), () => controller.newNetwork('bridge', 'no', subnet))
  await lab.do(controller.network('no').delete())
  const network = await lab.do(controller.newNetwork('bridge', 'no', subnet))
  await refusing(isNot, () => network.delete())
  await lab.do(network.delete())
  await refusing(is('netns'), () => controller.newSandbox('no'))
  await lab.do(controller.sandbox('no').delete())
  const sandbox = await lab.do(controller.newSandbox('no'))
  await lab.do(controller.connect('web', 'no'))
  await refusing(isNot, () => sandbox.delete())
  await lab.do(sandbox.delete())
  const endpoint = await lab.do(controller.newEndpoint('web', 'e'))
  await refusing(is('addr'), () => endpoint.join('b'))
  await lab.do(endpoint.leave())
  await lab.do(endpoint.join('b'))
  await refusing(is('veth', 'cut'), () => endpoint.leave())
  await refusing(is('addr'), () => controller.connect('db', 'b'))
}

/** Somebody else changes things, again and again; the clock steps back. */
async function drifted({ controller, lab }: Run): Promise<void> {
  const veth = controller.queries.endpoints().find(({ name }) => name === 'a-web')?.link?.name ?? ''
  for (let i = 0; i < 8; i++) {
    if (lab.links().includes(veth)) lab.root.deleteLink(veth)
    await lab.ports.time.runFor(300)
  }
  await lab.ports.time.runFor(120_000)
  lab.ports.time.jumpWall(-600_000)
  await lab.do(controller.newSandbox('late'))
}

/** A disk that lies and a power cut: what the log has lost stands in the kernel, and is removed. */
async function lost(run: Run): Promise<void> {
  const { lab } = run
  await lab.ports.time.runFor(1000)
  lab.ports.disks.platter(DATA_DIR).faults.push('lie', 'lie', 'lie', 'lie')
  await lab.do(run.controller.connect('web', 'late'))
  lab.ports.disks.crash()
  run.controller = await lab.open()
}

async function ended({ controller, lab }: Run): Promise<void> {
  for (const sandbox of controller.sandboxes().filter(({ containerId }) => containerId !== 'a'))
    await lab.do(sandbox.delete().catch(() => undefined))
  await lab.do(controller.network('db').delete().catch(() => undefined))
  await lab.ports.time.runFor(1000)
}
