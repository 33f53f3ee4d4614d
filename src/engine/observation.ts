/**
 * What a command must know of the world: read before the turn, and recorded in the command, so that the turn reads nothing
 * and deciding again gives the same (design §5).
 */
import { EngineError, type ClientCommand, type Command, type HostRoute } from '../../events/index.ts'
import { readOptions } from '../drivers/index.ts'
import { localPrefix, routesThatMatter } from '../ipam/index.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { TurnContext } from './context.ts'

/** Whether something has to be read for the command first, which takes time. */
export const needsObservation = (command: ClientCommand): boolean =>
  command.type === 'network.create' ||
  (command.type === 'sandbox.create' && command.data.netns?.startsWith('/') === true)

/**
 * The command with what was read for it now.
 * @throws {EngineError} ERR_EFFECT_FAILED: the kernel does not tell; nothing was written.
 */
export async function observed(
  command: ClientCommand,
  kernel: Kernel,
  { drivers, hash, origin }: Pick<TurnContext, 'drivers' | 'hash' | 'origin'>,
): Promise<ClientCommand> {
  if (command.type === 'sandbox.create') return withAdopted(command, kernel)
  if (command.type !== 'network.create') return command
  const { request } = readOptions(drivers, command.data)
  const isShared = drivers.get(request.driver)?.scope === 'cluster'
  const hostRoutes = routesThatMatter(request, await routesOf(kernel), localPrefix(hash, origin), isShared)
  return hostRoutes.length === 0 ? command : { ...command, data: { ...command.data, hostRoutes } }
}

/** Fields that no client gives. */
const READ: readonly string[] = ['adopts', 'claims', 'evicted', 'grant', 'hostRoutes', 'kept']

/** A command's data without what was read for it: what the client said. */
export function asAsked<T>(data: T): T {
  if (typeof data !== 'object' || data === null || !READ.some((field) => field in data)) return data
  return Object.fromEntries(Object.entries(data).filter(([field]) => !READ.includes(field))) as T
}

/** Without it, nothing was found there. */
async function withAdopted(
  command: Command<'sandbox.create'>,
  kernel: Kernel,
): Promise<Command<'sandbox.create'>> {
  const path = command.data.netns
  const cookie = path === undefined ? undefined : await cookieAt(kernel, path)
  if (path === undefined || cookie === undefined) return command
  const { bootId } = kernel.identity
  return { ...command, data: { ...command.data, adopts: { bootId, cookie, path } } }
}

async function cookieAt(kernel: Kernel, path: string): Promise<string | undefined> {
  try {
    return await kernel.cookieAt(path)
  } catch (cause) {
    throw unread(`the namespace at ${path} cannot be looked at`, 'no sandbox takes it', cause)
  }
}

async function routesOf(kernel: Kernel): Promise<readonly HostRoute[]> {
  try {
    return await kernel.routes()
  } catch (cause) {
    throw unread("the host's routes cannot be read", 'no network is made', cause)
  }
}

function unread(what: string, without: string, cause: unknown): EngineError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const text = `${what} (${why}), and without that ${without}; nothing was written, so ask again`
  return new EngineError('ERR_EFFECT_FAILED', text, { cause })
}
