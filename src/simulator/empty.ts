/** Deleting all there is, as somebody does who tidies up: sandboxes, then endpoints, then networks, whatever state they are in. */
import type { Controller } from '../controller/controller.ts'

export async function empty(controller: Controller): Promise<void> {
  for (const sandbox of controller.sandboxes()) await sandbox.delete()
  for (const { id, state } of controller.queries.endpoints()) {
    if (state === 'failed') await controller.endpoint(id).leave()
    await controller.dispatch({ data: { endpoint: id, force: true }, type: 'endpoint.delete' })
  }
  for (const network of controller.networks()) await network.delete()
}
