/** A host's day: containers come and go, one at a time, and nobody is careless. It takes the place of the load where that is given as a number. */
import type { ClientCommand } from '../../../events/index.ts'
import type { Asking } from '../clients.ts'
import { NETWORKS, SANDBOXES, type Exists } from '../commands.ts'
import type { Chance } from '../chance.ts'
import { act } from './act.ts'
import { askAll, existing, newId } from './client.ts'

const [NETWORK] = NETWORKS

/** One container is attached if it is not, and else detached; until network and containers are there, they are made. */
function drawRoutine(chance: Chance, exists: Exists): ClientCommand {
  if (!exists('network', NETWORK))
    return {
      data: { driver: 'bridge', name: NETWORK, subnets: [{ subnet: '10.9.0.0/24' }] },
      type: 'network.create',
    }
  const sandbox = chance.pick(SANDBOXES)
  if (!exists('sandbox', sandbox)) return { data: { name: sandbox }, type: 'sandbox.create' }
  const isAttached = exists('endpoint', `${sandbox}-${NETWORK}`)
  return { data: { network: NETWORK, sandbox }, type: isAttached ? 'disconnect' : 'connect' }
}

export const routineActs = {
  /** How often says who asks for it. */
  'client.routine': act<{ readonly all: readonly Asking[] }>({
    draw: (chance, scene) => ({
      all: [{ command: drawRoutine(chance, existing(scene)), id: newId(chance) }],
    }),
    everyMs: 30_000,
    perform: askAll,
  }),
}
