/**
 * What a command must know of the world: read before the turn, and recorded in the command, so that the turn reads nothing
 * and deciding again gives the same (design §5).
 */
import { EngineError, type ClientCommand, type HostRoute } from '../../events/index.ts'
import { readOptions } from '../drivers/index.ts'
import { localPrefix, routesThatMatter } from '../ipam/index.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { TurnContext } from './context.ts'

/** Whether something has to be read for the command first, which takes time. */
export const needsObservation = ({ type }: ClientCommand): boolean => type === 'network.create'

/**
 * The command with what was read for it now.
 * @throws {EngineError} ERR_EFFECT_FAILED: the kernel does not tell; nothing was written.
 */
export async function observed(
  command: ClientCommand,
  kernel: Kernel,
  { drivers, hash, origin }: Pick<TurnContext, 'drivers' | 'hash' | 'origin'>,
): Promise<ClientCommand> {
  if (command.type !== 'network.create') return command
  const { request } = readOptions(drivers, command.data)
  const hostRoutes = routesThatMatter(request, await routesOf(kernel), localPrefix(hash, origin))
  return hostRoutes.length === 0 ? command : { ...command, data: { ...command.data, hostRoutes } }
}

/** A command's data without what was read for it: what the client said. */
export function asAsked<T>(data: T): T {
  if (typeof data !== 'object' || data === null || !('hostRoutes' in data)) return data
  const { hostRoutes: _read, ...rest } = data
  return rest as T
}

async function routesOf(kernel: Kernel): Promise<readonly HostRoute[]> {
  try {
    return await kernel.routes()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const text = `the host's routes cannot be read (${why}), and without them no network is made; nothing was written, so ask again`
    throw new EngineError('ERR_EFFECT_FAILED', text, { cause })
  }
}
