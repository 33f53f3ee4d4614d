/** A scenario, and a crash at each of its port calls. */
import { crashMatrix, playPoint, type CrashPoint, type MatrixFailure } from '../simulator/matrix.ts'
import { scenarioNamed, type Scenario } from '../simulator/scenarios/index.ts'
import { count } from '../operations/words.ts'
import { VERSION } from '../version.ts'
import type { Values } from './leaf.ts'
import { EXIT, UsageError } from './problems.ts'
import type { Session } from './session.ts'
import { lastLines } from './simulation-report.ts'
import { Progress } from './simulation-progress.ts'

type OnLine = ((line: string) => void) | undefined

/** @returns the exit status */
export async function playScenario(session: Session, values: Values, onLine: OnLine): Promise<number> {
  const name = values.text('scenario') ?? ''
  const scenario = called(name)
  const at = pointOf(values.text('crashAt'))
  const how = { seed: values.text('seed') ?? 'matrix', ...(onLine ? { onLine } : {}) }
  const startMs = session.io.nowMs()
  const { calls, failures, runs } = await (at === 'all'
    ? matrix(session, scenario, how)
    : single(scenario, at, how))
  for (const failure of failures) tell(session, failure)
  const tookMs = session.io.nowMs() - startMs
  const status = failures.length === 0 ? 0 : EXIT.failed
  if (session.json)
    session.show({ summary: { calls, failures: failures.length, runs, scenario: name, tookMs } })
  else
    session.print(
      scenario.from,
      `${count(calls, 'port call')}, ${count(runs, 'run')} in ${(tookMs / 1000).toFixed(1)} s: ` +
        (status === 0 ? 'it comes out wherever the engine dies' : `${failures.length} failed`),
    )
  return status
}

function called(name: string): Scenario {
  try {
    return scenarioNamed(name)
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(error.message) : error
  }
}

type How = { readonly onLine?: (line: string) => void; readonly seed: string }
type Came = { readonly calls: number; readonly failures: readonly MatrixFailure[]; readonly runs: number }

async function matrix(session: Session, scenario: Scenario, how: How): Promise<Came> {
  const progress = new Progress(session)
  let done = 0
  const onResult = (): void => {
    done++
    progress.show(() => `${done} runs of ${scenario.name}`)
  }
  const { calls, failures, runs } = await crashMatrix([scenario], { ...how, onResult })
  progress.clear()
  return { calls: calls[scenario.name] ?? 0, failures, runs }
}

async function single(scenario: Scenario, at: CrashPoint | undefined, how: How): Promise<Came> {
  const { calls, failure } = await playPoint(scenario, at, how)
  return { calls, failures: failure ? [failure] : [], runs: 1 }
}

function pointOf(text: string | undefined): CrashPoint | 'all' | undefined {
  if (text === undefined) return 'all'
  if (text === 'none') return undefined
  const [, call, when] = /^([1-9]\d{0,8}):(before|after)$/.exec(text) ?? []
  if (call === undefined)
    throw new UsageError(`--crash-at must be none, or as 12:before, 12:after, not '${text}'`)
  return { call: Number(call), when: when === 'after' ? 'after' : 'before' }
}

function tell(session: Session, failure: MatrixFailure): void {
  const { at, id, last, scenario, seed, why } = failure
  const point = at === undefined ? 'none' : `${at.call}:${at.when}`
  const again = `chronet simulate --scenario ${scenario} --seed ${seed} --crash-at ${point} --trace`
  if (session.json) return session.show({ failure: { ...failure, replay: again } })
  const where = at === undefined ? 'no crash' : `dies ${at.when} call ${at.call}, ${at.name}`
  session.print(
    session.paint('red', `FAIL ${id}  scenario=${scenario} seed=${seed} chronet=${VERSION}, ${where}`),
    `  but        ${why.replaceAll('\n', '\n             ')}`,
    ...lastLines(last),
    `  again      ${again}`,
  )
}
