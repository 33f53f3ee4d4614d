/** Deleting all there is, as somebody does who tidies up: sandboxes, then endpoints, then networks, whatever state they are in. */
import type { NetworkId } from '../../events/index.ts'
import type { NetworkView } from '../../projections/index.ts'
import type { Controller } from '../controller/controller.ts'
import type { Host } from './host.ts'

/** @param goes which networks are deleted. Default: all */
export async function empty(
  controller: Controller,
  goes: (network: Pick<NetworkView, 'claim' | 'id'>) => boolean = () => true,
): Promise<void> {
  for (const sandbox of controller.sandboxes()) await sandbox.delete()
  for (const { id, state } of controller.queries.endpoints()) {
    if (state === 'failed') await controller.endpoint(id).leave()
    await controller.dispatch({ data: { endpoint: id, force: true }, type: 'endpoint.delete' })
  }
  for (const { claim, id } of controller.queries.networks())
    if (goes({ id, ...(claim === undefined ? {} : { claim }) })) await controller.network(id).delete()
}

/** What a host made for all hosts of its cluster: it cannot be ended before the others have left it. */
export const isOwnShared =
  ({ id }: Controller) =>
  ({ claim }: Pick<NetworkView, 'claim'>): boolean =>
    claim?.owner === id

/** Networks of which a host has lent addresses that have not come back. */
export const lentBy = ({ controller }: Host): ReadonlySet<NetworkId> =>
  new Set([...controller.engine.view.projections.claims.lent.values()].map(({ network }) => network))
