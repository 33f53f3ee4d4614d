/** What this host knew of its peers when it decided something, from what its own commits say. */
import type { AnyFact, Log, Origin, Seq } from '../../events/index.ts'

/**
 * How far each peer's log was here at an own commit. Goes through the log as text: few commits say anything of it.
 * @param seq 0: before the first
 */
export async function knownAt(
  log: Pick<Log<AnyFact>, 'find' | 'read'>,
  seq: Seq,
): Promise<ReadonlyMap<Origin, Seq>> {
  const known = new Map<Origin, Seq>()
  if (seq === 0) return known
  const says = (text: string): boolean => text.includes('"knows":{') || text.includes('"type":"HostStarted"')
  for await (const at of log.find(says, { to: seq }))
    for await (const { facts, knows = {} } of log.read({ from: at, to: at })) {
      // An epoch begins with all that it knows.
      if (facts.some(({ type }) => type === 'HostStarted')) known.clear()
      for (const [origin, upTo] of Object.entries(knows)) known.set(origin as Origin, upTo)
    }
  return known
}
