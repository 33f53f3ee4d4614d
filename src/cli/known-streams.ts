/** Whether what `--stream` names is or ever was there: nobody should take a slip of the pen for a thing to which nothing happened. */
import type { Problem } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import { Names } from '../operations/names.ts'
import type { Operations, Trace } from '../operations/operations.ts'
import { isIn } from './selection.ts'

/** Streams that every log may have, whatever is in it. */
const OWN: readonly string[] = ['effects', 'host']

/**
 * What is wrong with the streams that were given. Goes through the logs once for each.
 * @param hosts in whose logs they may be; undefined: ours
 */
export async function unknownStreams(
  operations: Operations,
  given: readonly string[],
  hosts: readonly (string | undefined)[],
): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  for (const text of new Set(given)) {
    if (OWN.includes(text)) continue
    const found = await tracesOf(operations, text, hosts)
    if (!found.some((trace) => isMeant(trace, text))) problems.push(unknown(text, found[0]))
  }
  return problems
}

async function tracesOf(
  operations: Operations,
  text: string,
  hosts: readonly (string | undefined)[],
): Promise<readonly Trace[]> {
  const found: Trace[] = []
  for (const host of hosts)
    try {
      found.push(await operations.trace(text, host))
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'ERR_NOT_FOUND') throw error
    }
  return found
}

/** An address leads to somebody, too, and is no stream. */
const isMeant = ({ others, subject }: Trace, text: string): boolean =>
  [subject, ...others].some(({ name, stream }) =>
    isIn(stream, text, new Names({ [stream.slice(stream.indexOf('/') + 1)]: name })),
  )

const unknown = (text: string, found: Trace | undefined): Problem => ({
  code: 'ERR_NOT_FOUND',
  field: 'stream',
  message:
    found === undefined
      ? `no stream is or was called '${text}'; give host, effects, a name, an id or its first characters, or network/NAME`
      : `no stream is or was called '${text}'; ${found.subject.kind}/${found.subject.name} is whose it is or was`,
})
