/** A scenario, and a crash at each of its port calls. */
import {
  crashMatrix,
  playPoint,
  type CrashPoint,
  type MatrixFailure,
  type PointOptions,
} from '../simulator/matrix.ts'
import { scenarioNamed, type Scenario } from '../simulator/scenarios/index.ts'
import { count } from '../operations/words.ts'
import type { Values } from './leaf.ts'
import { EXIT, UsageError } from './problems.ts'
import type { Session } from './session.ts'
import { codeWords, lastLines } from './simulation-report.ts'
import { Progress } from './simulation-progress.ts'

type Ours = Pick<PointOptions, 'commit' | 'forbidGlobals' | 'onLine'>

/** @returns the exit status */
export async function playScenario(session: Session, values: Values, run: Ours): Promise<number> {
  const name = values.text('scenario') ?? ''
  const scenario = called(name)
  const at = pointOf(values.text('crashAt'))
  const how = { ...run, seed: values.text('seed') ?? 'matrix' }
  const pairs = values.whole('pairs') ?? 0
  if (pairs < 0 || (pairs > 0 && at !== 'all'))
    throw new UsageError('--pairs must be a whole number, and goes with no --crash-at')
  const startMs = session.io.nowMs()
  const { calls, failures, runs } = await (at === 'all'
    ? matrix(session, scenario, { ...how, pairs })
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

type How = Ours & { readonly seed: string }
type Came = { readonly calls: number; readonly failures: readonly MatrixFailure[]; readonly runs: number }

async function matrix(
  session: Session,
  scenario: Scenario,
  how: How & { readonly pairs: number },
): Promise<Came> {
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
  const sides = text.split(',').map(sideOf)
  const [first, again] = sides
  if (first === undefined || sides.length > 2 || sides.includes(undefined))
    throw new UsageError(
      `--crash-at must be none, or as 12:before, 12:after, or two as 12:before,3:after, not '${text}'`,
    )
  return again === undefined ? first : { ...first, again }
}

/** @returns undefined: it is none */
function sideOf(text: string): CrashPoint | undefined {
  const [, call, when] = /^([1-9]\d{0,8}):(before|after)$/.exec(text) ?? []
  if (call === undefined) return undefined
  return { call: Number(call), when: when === 'after' ? 'after' : 'before' }
}

const wordOf = ({ call, when }: CrashPoint): string => `${call}:${when}`

function tell(session: Session, failure: MatrixFailure): void {
  const { at, commit, id, last, scenario, seed, why } = failure
  const point = at === undefined ? 'none' : [at, ...(at.again ? [at.again] : [])].map(wordOf).join(',')
  const again = `chronet simulate --scenario ${scenario} --seed ${seed} --crash-at ${point} --trace`
  if (session.json) return session.show({ failure: { ...failure, replay: again } })
  const where = at === undefined ? 'no crash' : `dies at ${point}: ${at.name}`
  session.print(
    session.paint('red', `FAIL ${id}  scenario=${scenario} seed=${seed} ${codeWords(commit)}, ${where}`),
    `  but        ${why.replaceAll('\n', '\n             ')}`,
    ...lastLines(last),
    `  again      ${again}`,
  )
}
