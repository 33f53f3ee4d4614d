/**
 * Looks now and then whether the stream is still what it was taken for. Servers may lose what they acknowledged without anybody's
 * connection being lost, and give its numbers to something else; who only waits for news never hears of it.
 */
import type { Origin } from '../../events/index.ts'
import type { Bus } from '../bus/bus.ts'
import type { Importer } from './importer.ts'
import { subjectOf } from './message.ts'
import type { PublishedTo } from './publisher.ts'

/** What was believed, as far as it is known. */
export type Believed = {
  readonly importer: Importer
  readonly origin: Origin
  readonly published: () => PublishedTo | undefined
}

/** Whether our log ends there where we published last, and nothing of others stands where it was read and is not here. */
export async function isAsBelieved(bus: Bus, { importer, origin, published }: Believed): Promise<boolean> {
  const before = published()
  const last = await bus.last(subjectOf(origin))
  const isIdle = before !== undefined && before === published()
  if (isIdle && (last?.seq ?? 0) !== before.expect) return false
  return !(await importer.misses(bus, await bus.state()))
}
