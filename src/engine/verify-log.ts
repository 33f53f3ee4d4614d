/** Reading the whole log again, on demand: its chain, and the rows that find a client's command by its id. */
import type { AnyFact, Log, Problem } from '../../events/index.ts'
import { EngineError, errorOfDamage } from '../../events/index.ts'

/** What reading all of it came to. */
export type Verified = {
  /** The last commit that was read. */
  readonly commits: number
  /** The first thing that is wrong; absent: nothing is. */
  readonly damage?: Problem
  /** SHA-256 of the last commit. */
  readonly head: string
}

/**
 * Rows that follow from the commits, and are gone or wrong, are written anew. Damage of the commits is told.
 * @param blocked why the log may not be written: if that is damage, it is known already, and nothing is read
 * @param onDamage hears of what was found
 */
export async function verifyLog(
  log: Log<AnyFact>,
  blocked: EngineError | undefined,
  onDamage?: (damage: EngineError) => void,
): Promise<Verified> {
  await log.flush()
  const { hash, seq } = log.durable
  const known = isUnreadable(blocked) ? blocked : undefined
  const damage = known ?? (await damageIn(log))
  if (damage === undefined) return { commits: seq, head: hash }
  onDamage?.(damage)
  return { commits: seq, damage: { code: damage.code, message: damage.message }, head: hash }
}

async function damageIn(log: Log<AnyFact>): Promise<EngineError | undefined> {
  if (log.damage) return errorOfDamage(log.damage)
  try {
    for await (const _ of log.scrub());
    return undefined
  } catch (error) {
    if (isUnreadable(error)) return error
    throw error
  }
}

/** Whether there are commits that cannot be had: they are broken, or of a newer chronet. */
const isUnreadable = (error: unknown): error is EngineError =>
  error instanceof EngineError && (error.code === 'ERR_LOG_DAMAGED' || error.code === 'ERR_LOG_NEWER')
