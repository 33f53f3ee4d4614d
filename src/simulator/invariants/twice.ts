/** K4: what is done is done once more, and nothing changes. By the ports that the engine has, whatever they are. */
import { keyOf, type Origin, type Spec, type Step } from '../../../events/index.ts'
import { builtinDrivers } from '../../drivers/index.ts'
import { contextOf } from '../../engine/context.ts'
import type { KernelWorld, Namespace } from '../../kernel/simulated/world.ts'
import { specsOf } from '../../reconcile/specs.ts'
import { sha256 } from '../../system/hash.ts'
import { RUN_DIR, type Host } from '../host.ts'
import type { Ledger } from './invariant.ts'

/** Of an engine at rest: all that is wanted is made again. @returns what was wanted */
export async function ensureTwice(host: Host, ledger: Ledger): Promise<readonly Spec[]> {
  const { desired } = host.controller.engine.view.projections
  const origin = host.controller.id as Origin
  const specs = [...specsOf(desired, contextOf(builtinDrivers, sha256, origin)).values()]
  await again(host, 'ensure', specs, ledger)
  return specs
}

/** Of an engine that was emptied: what it wanted once is removed again. */
export const removeTwice = (host: Host, specs: readonly Spec[], ledger: Ledger): Promise<void> =>
  again(host, 'remove', specs, ledger)

async function again(host: Host, op: Step['op'], specs: readonly Spec[], ledger: Ledger): Promise<void> {
  const { world } = host.kernel
  const origin = host.controller.id as Origin
  const kernel = await host.ports.openKernel({ origin, runDir: `${RUN_DIR}/${origin.slice(0, 12)}` })
  const before = textOf(world)
  const results = await kernel.apply(specs.map((spec) => ({ key: keyOf(spec), op, spec, takes: [] })))
  await kernel.close()
  for (const result of results) {
    const came = result.ok ? result.changed && 'changed something' : `came to ${result.failure.code}`
    ledger.check('K4', came === false ? undefined : `${op} ${result.key}, done again at rest, ${came}`)
  }
  const after = textOf(world)
  ledger.check(
    'K4',
    before === after
      ? undefined
      : `${op} of all again at rest made of the kernel\n${before}\nthis one\n${after}`,
  )
}

/** All that a kernel remembers, as text. */
const textOf = ({ host, mounts }: KernelWorld): string =>
  [['host', host] as const, ...mounts].map(([path, ns]) => `${path}\n${textOfNamespace(ns)}`).join('\n')

const textOfNamespace = ({ addresses, links, routes, sysctls, tables }: Namespace): string =>
  JSON.stringify([
    [...links.values()].map(({ master, ns: _ns, peer, ...link }) => [link, master?.name, peer?.ifindex]),
    addresses.map(({ cidr, link }) => [cidr, link.name]),
    routes.map(({ link, ...route }) => [route, link.name]),
    [...sysctls],
    [...tables].map(([name, { intact, networks }]) => [name, intact, [...networks]]),
  ])
