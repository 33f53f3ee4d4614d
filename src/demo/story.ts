/**
 * The story: what a container-network engine is for, then what goes wrong on real machines, then what only a log can answer.
 * Each step acts, looks at the kernel by other eyes than chronet's, and returns what it saw as its proof.
 */
import { firstValueFrom, skipWhile, timeout, filter } from 'rxjs'
import type { Controller, Queries } from '../index.ts'
import { claim, claimSame } from './claim.ts'
import type { Table } from './print.ts'
import { endpointRows, type Scene } from './scene.ts'
import type { Pings } from './stage.ts'

export type Step = {
  /** @throws what the step claims does not hold */
  readonly play: (scene: Scene) => Promise<Proof>
  readonly what: string
}

/** Words, and tables that need lines of their own. */
export type Proof = string | { readonly proof: string; readonly tables: readonly Table[] }

const PORT = 4711
/** How long somebody waits who should be answered, and who should not be, in milliseconds. */
const PATIENCE_MS = 3000
const IMPATIENCE_MS = 250
/** How long a repair may take before it counts as none, in milliseconds. */
const HEAL_MS_MAX = 5000

export const STORY: readonly Step[] = [
  {
    what: 'network create web',
    play: async ({ controller, stage, timed }) => {
      const { info } = await timed(() => controller.newNetwork('bridge', 'web'))
      return claim(linkOf(info), stage.describeLink(info.bridge.name))
    },
  },
  {
    what: 'sandbox create a, b',
    play: async ({ controller, enter, stage, timed }) => {
      for (const name of ['a', 'b']) await timed(() => controller.newSandbox(name))
      await enter('a', 'b')
      return `namespaces ${['a', 'b'].map((name) => stage.namespaceAt(controller.sandbox(name).key)).join(', ')}`
    },
  },
  {
    what: 'connect web a · connect web b',
    play: async (scene) => {
      for (const name of ['a', 'b']) await scene.timed(() => scene.controller.connect('web', name))
      scene.remember()
      return `${await hasAddress(scene, 'a')}, ${await hasAddress(scene, 'b')}`
    },
  },
  { what: 'a pings b', play: (scene) => pings(scene, 'a', 'b') },
  {
    what: 'a reaches outside',
    play: async ({ place, stage, time }) => {
      const outside = await stage.openOutside()
      await outside.place.listen(PORT)
      const { ms, said } = await place('a').visit(outside.address, PORT, PATIENCE_MS)
      time(ms)
      return `seen there as ${claim(outside.host, said)} (masqueraded)`
    },
  },
  {
    what: 'network create db · sandbox c · connect',
    play: async (scene) => {
      const { controller, enter, stage, timed } = scene
      const { info } = await timed(() => controller.newNetwork('bridge', 'db'))
      await timed(() => controller.newSandbox('c'))
      await timed(() => controller.connect('db', 'c'))
      scene.remember()
      await enter('c')
      await scene.place('c').listen(PORT)
      claim(linkOf(info), stage.describeLink(info.bridge.name))
      return hasAddress(scene, 'c')
    },
  },
  { what: 'a tries c', play: cannotReach },
  {
    what: "somebody deletes b's veth",
    play: async (scene) => {
      const link = scene.endpointOf('b').link?.name ?? ''
      await heals(scene, () => scene.stage.deleteLink(link))
      claim(`veth ${link} up`, scene.stage.describeLink(link))
      return `noticed, healed; a pings b ${await answered(scene, 'a', 'b')}`
    },
  },
  {
    what: 'somebody flushes the firewall',
    play: async (scene) => {
      const before = scene.stage.inventory()
      await heals(scene, () => scene.stage.flushFirewall())
      claimSame('the tables that were there before', before, scene.stage.inventory())
      await cannotReach(scene)
      return 'noticed, repaired; a still cannot reach c'
    },
  },
  { what: 'kill -9 in the middle of an attach', play: survivesKill },
  { what: 'as it was at three moments', play: looksBack },
  {
    what: 'verify',
    play: async ({ controller, timed }) => {
      const { commits, damage, head } = await timed(() => controller.verify())
      claim('no damage', damage?.message ?? 'no damage')
      return `chain of ${commits} commits ok, head ${head.slice(0, 12)}`
    },
  },
  {
    what: 'delete everything',
    play: async (scene) => {
      for (const sandbox of scene.controller.sandboxes()) await scene.timed(() => sandbox.delete())
      for (const network of scene.controller.networks()) await scene.timed(() => network.delete())
      await scene.end()
      claimSame('left behind: nothing', scene.before, scene.stage.inventory())
      return 'left behind: nothing'
    },
  },
]

const linkOf = ({ bridge, subnets }: ReturnType<Queries['network']>): string =>
  `bridge ${bridge.name} up, ${subnets.map(({ gateway, subnet }) => `${gateway}/${subnet.split('/')[1] ?? ''}`).join(', ')}`

/** The address that the log gives a sandbox is on its interface, and no other is. */
async function hasAddress({ endpointOf, place }: Scene, name: string): Promise<string> {
  const { addresses, ifName = '' } = endpointOf(name)
  claim(addresses.join(', '), (await place(name).addresses(ifName)).join(', '))
  return `${name} has ${addresses.join(', ')}`
}

const addressOf = (scene: Scene, name: string): string =>
  scene.endpointOf(name).addresses[0]?.split('/')[0] ?? ''

async function answered(scene: Scene, from: string, to: string): Promise<string> {
  const { replies, sent } = await scene.place(from).ping(addressOf(scene, to), 3)
  return claim(`${sent}/${sent}`, `${replies}/${sent}`)
}

async function pings(scene: Scene, from: string, to: string): Promise<string> {
  const { replies, roundTripMs, sent }: Pings = await scene.place(from).ping(addressOf(scene, to), 3)
  scene.time(roundTripMs)
  return claim(`${sent}/${sent}`, `${replies}/${sent}`)
}

/** Somebody answers at c's door, as the host can tell; a hears nothing. */
async function cannotReach(scene: Scene): Promise<string> {
  const address = addressOf(scene, 'c')
  const { said } = await scene.stage.host.visit(address, PORT, PATIENCE_MS)
  claim('the host is answered by c', /^[\d.]+$/.test(said) ? 'the host is answered by c' : said)
  const visit = await scene.place('a').visit(address, PORT, IMPATIENCE_MS)
  claim('ETIMEDOUT', visit.said)
  return 'refused, as it should be (the host is let in)'
}

/** Does harm, and waits until the log says that it was seen and undone. Timed from before the harm to the receipt. */
async function heals({ controller, time }: Scene, harm: () => Promise<void>): Promise<void> {
  const facts = controller.facts({ types: ['DriftObserved', 'EffectsSettled'] }).asObservable()
  const healed = firstValueFrom(
    facts.pipe(
      skipWhile(({ type }) => type !== 'DriftObserved'),
      filter((fact) => fact.type === 'EffectsSettled'),
      timeout(HEAL_MS_MAX),
    ),
  )
  healed.catch(() => undefined)
  const startMs = Date.now()
  await harm()
  const settled = await healed
  time(Date.parse(settled.at) - startMs)
  claim('no step failed', settled.data.failures.map(({ message }) => message).join(', ') || 'no step failed')
}

/** An engine dies with an attach half done; the next one finds its intent and finishes it. */
async function survivesKill(scene: Scene): Promise<string> {
  const { stage } = scene
  await scene.controller.newSandbox('d')
  const before = endpointRows(scene.controller.queries)
  await scene.controller.close()
  claim('SIGKILL', await stage.killInAttach('db', 'd'))
  const { controller } = await scene.timed(() => scene.reopen())
  const late = controller.recovered?.late ?? 0
  claim('1 intent without receipt', `${late} intent${late === 1 ? '' : 's'} without receipt`)
  claim('joined', scene.endpointOf('d').state)
  scene.remember()
  const after = endpointRows(controller.queries).map(textOf)
  claimSame('nothing is lost', [...before.map(textOf), ...after], after)
  claimSame('nothing is leaked', wantedBy(controller), stage.marked(controller.id))
  await quiet(scene)
  await answered(scene, 'c', 'd')
  return 'one intent without receipt: finished; nothing lost, nothing leaked'
}

/** A look at everything finds nothing to do. */
async function quiet({ controller }: Scene): Promise<void> {
  const { seq } = controller.queries
  await controller.audit()
  claim(`nothing to heal after #${seq}`, `nothing to heal after #${controller.queries.seq}`)
}

/** What the log wants on the host, as `Stage.marked` would list it. */
function wantedBy({ id, queries }: Controller): readonly string[] {
  return [
    ...queries.networks().map(({ bridge }) => `link ${bridge.name}`),
    ...queries.endpoints().flatMap(({ link }) => (link === undefined ? [] : [`link ${link.name}`])),
    ...queries.sandboxes().map((sandbox) => `namespace ${sandbox.id}`),
    `table chronet_${id.slice(0, 8)}`,
  ]
}

/** The network as it was, folded again from the log: it is what was written down at the time. */
async function looksBack({ controller, memories, timed }: Scene): Promise<Proof> {
  const tables: Table[] = []
  for (const { rows, seq } of memories) {
    const past = await timed(() => controller.asOf(seq))
    const folded = endpointRows(past)
    claimSame(`endpoints as they were at #${seq}`, rows.map(textOf), folded.map(textOf))
    tables.push({ rows: [HEAD, ...folded], title: `at #${seq}, ${past.at ?? ''}` })
  }
  const counts = tables.map(({ rows }) => rows.length - 1)
  claim('2, 3 and 4 endpoints', `${counts.slice(0, -1).join(', ')} and ${counts.at(-1) ?? 0} endpoints`)
  return { proof: '2, 3 and 4 endpoints', tables }
}

const HEAD = ['NETWORK', 'SANDBOX', 'INTERFACE', 'ADDRESS', 'STATE', 'SINCE']

const textOf = (row: readonly string[]): string => row.join(' ')
