/** Opening a log: verify, fold, cut a torn end; then it can be written. */
import { ChainLog } from './chain-log.ts'
import type { Fact } from './fact.ts'
import { FACT_VERSIONS } from './facts.ts'
import { LOG_LIMITS, type Log, type LogOptions } from './log.ts'
import { UPCASTERS, upcastBy } from './upcast.ts'
import { openChain } from './verify.ts'

/** Opens and verifies a log. Damage does not reject: see {@link Log.damage} and {@link Log.opened}. */
export async function openLog<F extends Fact = Fact>(options: LogOptions<F>): Promise<Log<F>> {
  const limits = { ...LOG_LIMITS, ...options.limits }
  const { checkpoint, isLast, known, replay } = options
  const { hash, origin, store, upcast = upcastBy(UPCASTERS, FACT_VERSIONS) } = options
  const source = { hash, origin, store, upcast }
  const chain = await openChain<F>(source, {
    checkpoint,
    cutMax: limits.groupCommits,
    isLast,
    known,
    replay,
  })
  return new ChainLog<F>(source, chain, limits, options)
}
