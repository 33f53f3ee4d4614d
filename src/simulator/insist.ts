/**
 * Clients that do not give up: what they asked and do not know the outcome of (the engine died, or said so) they ask again,
 * with the same id, of the engine that runs next. A scenario told through them comes to its end wherever an engine dies.
 *
 *     await done(world, asks.network('web'), asks.sandbox('a'))
 *     await done(world, asks.connect('web', 'a'))
 */
import type { ClientCommand, Command, Commit, AnyFact } from '../../events/index.ts'
import type { Controller } from '../controller/controller.ts'
import type { Asked } from './clients.ts'
import type { Host } from './host.ts'
import type { World } from './world.ts'

/** How soon an engine that died is started again where nobody else does it, in milliseconds. */
const REVIVE_MS = 500

type Data<T extends ClientCommand['type']> = Omit<
  Extract<ClientCommand, { readonly type: T }>['data'],
  'endpoint' | 'name' | 'network' | 'sandbox'
>

/** The commands of a scenario, in short. */
export const asks = {
  connect: (network: string, sandbox: string, data: Data<'connect'> & { readonly name?: string } = {}) =>
    ({ data: { network, sandbox, ...data }, type: 'connect' }) satisfies Command<'connect'>,
  deleteEndpoint: (endpoint: string, data: Data<'endpoint.delete'> = {}) =>
    ({ data: { endpoint, ...data }, type: 'endpoint.delete' }) satisfies Command<'endpoint.delete'>,
  deleteNetwork: (network: string) =>
    ({ data: { network }, type: 'network.delete' }) satisfies Command<'network.delete'>,
  deleteSandbox: (sandbox: string) =>
    ({ data: { sandbox }, type: 'sandbox.delete' }) satisfies Command<'sandbox.delete'>,
  disconnect: (network: string, sandbox: string) =>
    ({ data: { network, sandbox }, type: 'disconnect' }) satisfies Command<'disconnect'>,
  endpoint: (network: string, name: string, data: Data<'endpoint.create'> = {}) =>
    ({ data: { name, network, ...data }, type: 'endpoint.create' }) satisfies Command<'endpoint.create'>,
  join: (endpoint: string, sandbox: string, data: Data<'endpoint.join'> = {}) =>
    ({ data: { endpoint, sandbox, ...data }, type: 'endpoint.join' }) satisfies Command<'endpoint.join'>,
  leave: (endpoint: string) =>
    ({ data: { endpoint }, type: 'endpoint.leave' }) satisfies Command<'endpoint.leave'>,
  /** A bridge network. */
  network: (name: string, data: Partial<Data<'network.create'>> = {}) =>
    ({
      data: { driver: 'bridge', name, ...data },
      type: 'network.create',
    }) satisfies Command<'network.create'>,
  sandbox: (name: string) => ({ data: { name }, type: 'sandbox.create' }) satisfies Command<'sandbox.create'>,
}

/** What a command came to, at last. */
export type Outcome = {
  /** Absent: it was not done. */
  readonly commit?: Commit<AnyFact>
  /** `done`, or the code of the error. */
  readonly code: string
}

/** The first host's engine, once one runs. One that is dead is started. */
export async function running(world: World): Promise<Controller> {
  const host = world.host(0)
  supervise(world, host)
  await world.until(() => host.isUp)
  return host.controller
}

/** Asks all at the same time, and again whatever nobody knows the outcome of, until every outcome is known. In their order. */
export async function ask(world: World, ...commands: readonly ClientCommand[]): Promise<readonly Outcome[]> {
  const host = world.host(0)
  const ids = commands.map((command) => ({ command, id: world.ports.ids.commandId() }))
  const begun = new Map(ids.map(({ id }) => [id, 0]))
  const isKnown = ({ id }: { readonly id: (typeof ids)[number]['id'] }): boolean => {
    const asked = world.clients.asked.get(id)
    return asked !== undefined && asked.open === 0 && !asked.isUnknown
  }
  while (!ids.every(isKnown)) {
    await running(world)
    const open = ids.filter((each) => !isKnown(each))
    for (const each of open) begun.set(each.id, world.clients.ask(host, each).codes.length)
    await world.until(() => open.every(({ id }) => world.clients.asked.get(id)?.open === 0))
  }
  return ids.map(({ id }) => outcomeOf(world.clients.asked.get(id), begun.get(id) ?? 0))
}

/** As {@link ask}, where all must be done. @throws {Error} one was not */
export async function done(world: World, ...commands: readonly ClientCommand[]): Promise<readonly Commit[]> {
  const outcomes = await ask(world, ...commands)
  return outcomes.map(({ code, commit }, i) => {
    if (commit) return commit
    const { data, type } = commands[i] ?? { data: {}, type: 'nothing' }
    throw new Error(`${type} ${JSON.stringify(data)} came to ${code}`)
  })
}

/** What the last asking came to: an earlier one may have heard of an engine that was not sure. */
function outcomeOf(asked: Asked | undefined, begun: number): Outcome {
  const failure = asked?.codes.at(-1)
  const commit = asked?.answers.at(-1)?.commit
  if (failure !== undefined && asked !== undefined && asked.codes.length > begun) return { code: failure }
  return commit === undefined ? { code: failure ?? 'nothing' } : { code: 'done', commit }
}

/** Whoever dies is started again, as long as nobody else sees to it. */
function supervise(world: World, host: Host): void {
  if (host.onDeath !== undefined) return
  const later = (): void => void world.time.at(REVIVE_MS, revive)
  const revive = (): void => {
    if (!host.isAlive) host.boot().catch(later)
  }
  host.onDeath = later
  revive()
}
