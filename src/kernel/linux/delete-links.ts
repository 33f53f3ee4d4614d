/** Deletes links of the host that have the sweep bit: many at once by their group where that is safe and worth it. */
import type { Origin } from '../../../events/index.ts'
import { EBUSY, ENODEV } from '../errno.ts'
import { decodeLink, deleteGroup, deleteLink, dumpLinks } from './links.ts'
import { Mark } from './mark.ts'
import { Writer, type NetlinkSocket } from './netlink.ts'

/** What a link takes that is deleted by itself, at least. */
const ONE_MS = 15
/** What is left of what the last look at a group took, each time that none is taken: some day there are fewer links. */
const LOOK_FADES = 0.9

const writer = new Writer()
/** Looking at all links takes the kernel the square of how many there are: of 5,000, almost two seconds. */
let lookMs = 0

/**
 * Many go at once by their group, if a dump shows that it holds no stranger's; otherwise, or where the dump would take longer
 * than that saves, one by one. Others of ours that were cut meanwhile go along: whoever sweeps them finds them gone. Errno per
 * index; a link that is gone already is 0.
 */
export function deleteLinks(
  route: NetlinkSocket,
  origin: Origin,
  indexes: readonly number[],
): readonly number[] {
  if (indexes.length > 1 && isWorthIt(indexes.length) && deletedByGroup(route, new Mark(origin)))
    return indexes.map(() => 0)
  return indexes.map((index) => deleteOne(route, index))
}

function isWorthIt(count: number): boolean {
  if (lookMs < count * ONE_MS) return true
  lookMs *= LOOK_FADES
  return false
}

function deletedByGroup(route: NetlinkSocket, mark: Mark): boolean {
  if (!holdsNoStranger(route, mark)) return false
  deleteGroup(writer.reset(), mark.swept)
  return route.transact(writer)[0]?.errno === 0
}

function holdsNoStranger(route: NetlinkSocket, mark: Mark): boolean {
  const startMs = performance.now()
  const strangers = route.dump(dumpLinks(writer.reset()), (message) => {
    const link = decodeLink(message)
    return link.group === mark.swept && !mark.isOurs(link) ? link : undefined
  })
  lookMs = performance.now() - startMs
  return strangers.length === 0
}

function deleteOne(route: NetlinkSocket, index: number): number {
  deleteLink(writer.reset(), index)
  const errno = route.transact(writer)[0]?.errno ?? EBUSY
  return errno === ENODEV ? 0 : errno
}
