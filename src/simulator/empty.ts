/** Deleting all there is, as somebody does who tidies up: sandboxes, then endpoints, then networks, whatever state they are in. */
import type { NetworkView } from '../../projections/index.ts'
import type { Controller } from '../controller/controller.ts'

/** @param goes which networks are deleted. Default: all */
export async function empty(
  controller: Controller,
  goes: (network: Pick<NetworkView, 'claim'>) => boolean = () => true,
): Promise<void> {
  for (const sandbox of controller.sandboxes()) await sandbox.delete()
  for (const { id, state } of controller.queries.endpoints()) {
    if (state === 'failed') await controller.endpoint(id).leave()
    await controller.dispatch({ data: { endpoint: id, force: true }, type: 'endpoint.delete' })
  }
  for (const { claim, id } of controller.queries.networks())
    if (goes({ ...(claim === undefined ? {} : { claim }) })) await controller.network(id).delete()
}

/** What a host made for all hosts of its cluster: it cannot be ended before the others have left it. */
export const isOwnShared =
  ({ id }: Controller) =>
  ({ claim }: Pick<NetworkView, 'claim'>): boolean =>
    claim?.owner === id
