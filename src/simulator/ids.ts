/** Ids from a seed: a uuid v7 (RFC 9562 §5.7) with the clock's time in it, and hashes of a counter for chance, one counter per kind. */
import type { CommandId, Origin } from '../../events/index.ts'
import type { Clock, Hash, Ids } from '../ports.ts'

export function seededIds(seed: string, clock: Pick<Clock, 'nowMs'>, hash: Hash): Ids {
  let commands = 0
  let origins = 0
  return {
    commandId: () => uuidFrom(hash(`${seed} command ${++commands}`), clock.nowMs()),
    origin: () => hash(`${seed} origin ${++origins}`) as Origin,
  }
}

/** @param chance 64 hex, of which 76 bits are taken */
export function uuidFrom(chance: string, atMs: number): CommandId {
  const at = atMs.toString(16).padStart(12, '0')
  const variant = '89ab'[parseInt(chance.charAt(3), 16) % 4] ?? '8'
  const tail = `7${chance.slice(0, 3)}-${variant}${chance.slice(4, 7)}-${chance.slice(7, 19)}`
  return `${at.slice(0, 8)}-${at.slice(8)}-${tail}` as CommandId
}
