/**
 * Numbers of networks (VNIs): each is of one network of the cluster alone. A network begins to look at a place that follows from its
 * id, so that hosts which make networks at the same time rarely meet.
 */
import type { ClaimGranted, CommandId } from '../../../events/index.ts'
import { RefusedError } from '../../../events/index.ts'
import type { VniRange } from '../../drivers/index.ts'
import { sharesOf } from './blocks.ts'
import { grantOf, vniClaim } from './grants.ts'
import type { Definition } from './message.ts'
import type { Register } from './register.ts'
import { vniKey } from './subjects.ts'

/**
 * The grant of a number.
 * @param claiming hears of each key before it is claimed
 * @throws {RefusedError} ERR_VNI_EXHAUSTED: with who has how many
 */
export async function claimVni(
  register: Register,
  { name, network }: Pick<Definition, 'name' | 'network'>,
  range: VniRange,
  { by, claiming }: { readonly by: CommandId; readonly claiming: (key: string) => void },
): Promise<ClaimGranted['data']> {
  const { table } = register
  const size = range.last - range.first + 1
  const start = Number.parseInt(network.slice(0, 8), 16) % size
  for (let n = 0; n < size; n++) {
    const vni = range.first + ((start + n) % size)
    const key = vniKey(vni)
    const head = table.head(key)
    // One that was claimed for this network before is known again by whoever claims it.
    if (register.standing(head).state !== 'free' && head?.network !== network) continue
    claiming(key)
    const claimed = await register.claim(key, by, vniClaim(register.said(), { name, network, vni }))
    if (claimed.kind === 'granted') return grantOf({ key, kind: 'vni', network, vni }, claimed, table.stream)
  }
  const all = table.heads().filter(({ vni = -1 }) => vni >= range.first && vni <= range.last)
  const message = `network '${name}': all ${size} VNIs (${range.first} to ${range.last}) are held: ${sharesOf(register, all)}; delete a network`
  throw new RefusedError([{ code: 'ERR_VNI_EXHAUSTED', field: 'driver', message }])
}
