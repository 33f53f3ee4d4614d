/**
 * `chronet doctor`: whether this machine can do what chronet needs, and whether anything of chronet's is left where it should not be.
 * It looks, and changes nothing.
 */
import { EngineError } from '../../events/index.ts'
import type { Differences, Operations, Picture, Status } from '../operations/operations.ts'
import { count } from '../operations/words.ts'
import { looksAtHost, looksAtNode, type Finding } from './examine.ts'
import type { Leaf } from './leaf.ts'
import { EXIT } from './problems.ts'
import type { Session } from './session.ts'

export const doctor: Leaf = {
  examples: ['chronet doctor', 'chronet doctor --json | jq -r "select(.is == \\"bad\\").what"'],
  name: 'doctor',
  run: async (session) => {
    const { runDir } = session.settings
    const findings: Finding[] = [...looksAtNode(), ...(await looksAtHost(runDir))]
    try {
      findings.push(...(await session.with('read', looksAtLog, { tells: false })))
    } catch (error) {
      findings.push({ is: 'bad', of: 'log', what: error instanceof Error ? error.message : String(error) })
    }
    tell(session, findings)
    return findings.some(({ is }) => is === 'bad') ? EXIT.failed : 0
  },
  summary: 'whether this machine has what is needed',
  text: 'And whether anything was left behind. It changes nothing. Exit status 1 if something is bad.',
}

async function looksAtLog(operations: Operations): Promise<readonly Finding[]> {
  const status = await operations.status()
  const found = [...ofStatus(status), ...ofPicture(await operations.picture())]
  if (status.origin === undefined) return found
  try {
    found.push(...ofKernel(await operations.plan(), status.blocked !== undefined))
  } catch (error) {
    const is = error instanceof EngineError && error.code === 'ERR_NOT_PERMITTED' ? 'odd' : 'bad'
    found.push({
      is,
      of: 'kernel',
      what: `not compared: ${error instanceof Error ? error.message : String(error)}`,
    })
  }
  return found
}

function ofStatus({
  blocked,
  dataDir,
  epoch,
  head,
  holder,
  open,
  origin,
  unswept,
}: Status): readonly Finding[] {
  if (origin === undefined) return [{ is: 'good', of: 'log', what: `${dataDir} has none yet` }]
  const served =
    holder === undefined
      ? 'no engine runs: nobody heals'
      : `an engine runs (pid ${holder.pid}, chronet ${holder.version})`
  return [
    {
      is: 'good',
      of: 'log',
      what: `${dataDir}: #${head.seq}, epoch ${epoch}, origin ${origin.slice(0, 12)}; ${served}`,
    },
    ...(blocked === undefined
      ? []
      : [{ is: 'bad', of: 'log', what: `${blocked.code}: ${blocked.message}` } as const]),
    ...(open.length === 0
      ? []
      : [
          {
            is: 'odd',
            of: 'log',
            what: `${count(open.length, 'plan')} without receipt: the next change settles them`,
          } as const,
        ]),
    ...(unswept.length === 0
      ? []
      : [
          {
            is: 'odd',
            of: 'log',
            what: `links of ${count(unswept.length, 'thing')} could not be swept yet: ${unswept.join(', ')}`,
          } as const,
        ]),
  ]
}

const ofPicture = ({ sandboxes }: Picture): readonly Finding[] =>
  sandboxes
    .filter(({ state }) => state === 'vanished')
    .map(({ adopts, name }) => ({
      is: 'odd',
      of: 'log',
      what: `sandbox ${name} is vanished: the namespace at ${adopts?.path ?? '?'} is gone; 'chronet sandbox rm ${name}' ends it`,
    }))

/** Of a log that is not whole, what no fact speaks of may be what the lost facts spoke of. */
function ofKernel({ orphans, steps }: Differences, isBlocked: boolean): readonly Finding[] {
  if (orphans.length + steps.length === 0)
    return [{ is: 'good', of: 'kernel', what: 'it is as the log wants it' }]
  return [
    ...(steps.length === 0
      ? []
      : [
          {
            is: 'odd',
            of: 'kernel',
            what: `it differs in ${count(steps.length, 'thing')}: 'chronet plan' lists them`,
          } as const,
        ]),
    ...orphans.map((label): Finding => ({
      is: 'odd',
      of: 'leftover',
      what: `${label}: ${isBlocked ? 'the log as it is does not know it, and it is left alone' : "'chronet heal' removes it"}`,
    })),
  ]
}

const SIGNS = { bad: 'BAD ', good: 'ok  ', odd: 'look' } as const

function tell(session: Session, findings: readonly Finding[]): void {
  if (session.json) return findings.forEach((finding) => session.show(finding))
  const width = Math.max(...findings.map(({ of }) => of.length))
  for (const { is, of, what } of findings)
    session.print(
      `${is === 'bad' ? session.paint('red', SIGNS.bad) : SIGNS[is]}  ${of.padEnd(width)}  ${what}`,
    )
}
