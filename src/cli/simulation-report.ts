/** What simulations came to, as people read it. */
import { coverageOf } from '../simulator/coverage.ts'
import { INVARIANTS } from '../simulator/invariants/catalogue.ts'
import type { Failure } from '../simulator/run.ts'
import type { Statistics } from '../simulator/statistics.ts'
import { clockOf } from '../simulator/trace.ts'
import { count } from '../operations/words.ts'
import { VERSION } from '../version.ts'
import { pairs } from './table.ts'

/** Lines of the trace that a failure is told with. */
const LAST_LINES = 40

/** A failure: which invariant, where, why, what happened before, and what to type to see it again. */
export function failureLines(failure: Failure, replay: string, kept?: string): readonly string[] {
  const { commit, id, last, seed, step, virtualMs } = failure
  return [
    `FAIL ${id}  seed=${seed} ${codeWords(commit)} step=${step} t=${clockOf(virtualMs)}`,
    ...(INVARIANTS[id] ? [`  must hold  ${INVARIANTS[id].means}`] : []),
    ...whyLines(failure).map((line, i) => `  ${i === 0 ? 'but' : ''}`.padEnd(13) + line),
    ...lastLines(last),
    ...(kept === undefined ? [] : [`  tape       ${kept}`]),
    `  again      ${replay}`,
  ]
}

/** Which code it was. */
export const codeWords = (commit: string | undefined): string =>
  `chronet=${VERSION}${commit === undefined ? '' : ` commit=${commit}`}`

/** The end of a trace, under its heading. */
export const lastLines = (last: readonly string[]): readonly string[] => [
  '  the last of the trace',
  ...last.slice(-LAST_LINES).map((line) => `    ${line}`),
]

/** Without the id in front of it, and without what a stack has of node's own. */
const whyLines = ({ id, why }: Failure): readonly string[] =>
  (why.startsWith(`${id}: `) ? why.slice(id.length + 2) : why)
    .split('\n')
    .filter((line) => !line.includes('node:internal'))

/** The whole in some lines. */
export function summaryLines(total: Statistics, failures: number, tookMs: number): readonly string[] {
  const { checks, commits, kernelSteps, messages, outcomes, pairs: seen, runs, steps, virtualMs } = total
  const { missing, possible, seen: met } = coverageOf(seen)
  return [
    ...pairs([
      ['simulated', `${hours(virtualMs)} in ${count(runs, 'run')}, ${timesAsFast(virtualMs, tookMs)}`],
      ['steps', `${steps}, of kernels ${kernelSteps}, commits ${commits}`],
      ...actRows(total),
      ...rows('commands', byCount(outcomes)),
      ...rows('messages', byCount(messages)),
      ['states', `${met} of ${possible} pairs of a state and a fact seen`],
      ...(runs < MANY ? [] : rows('not seen', missing)),
      [
        'checked',
        `${Object.keys(checks).length} of ${Object.keys(INVARIANTS).length} invariants, ${sum(checks)} times`,
      ],
    ]),
    failures === 0 ? 'nothing broke' : `${failures} of ${count(runs, 'run')} failed`,
  ]
}

/** From so many runs on, what was not seen is worth telling. */
const MANY = 100
const LINE_WIDTH = 90

type Row = readonly [name: string, value: string | undefined]

function actRows({ acts }: Statistics): readonly Row[] {
  const groups = new Map<string, Record<string, number>>()
  for (const [kind, n] of Object.entries(acts)) {
    const [group = '', name = ''] = kind.split('.')
    groups.set(group, { ...groups.get(group), [name]: n })
  }
  const words = [...groups].sort(([a], [b]) => (a < b ? -1 : 1))
  return words.flatMap(([group, kinds]) => rows(group, byCount(kinds)))
}

const byCount = (counts: Readonly<Record<string, number>>): readonly string[] =>
  Object.entries(counts)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([name, n]) => `${name} ${n}`)

/** A list over as many lines as it takes. */
function rows(name: string, words: readonly string[]): readonly Row[] {
  const lines: string[] = []
  for (const word of words) {
    const line = lines.at(-1)
    if (line === undefined || line.length + word.length + 2 > LINE_WIDTH) lines.push(word)
    else lines[lines.length - 1] = `${line}, ${word}`
  }
  return lines.map((line, i) => [i === 0 ? name : '', line])
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((a, b) => a + b, 0)

const hours = (ms: number): string =>
  ms < 3_600_000 ? `${(ms / 60_000).toFixed(1)} min` : `${(ms / 3_600_000).toFixed(1)} h`

const timesAsFast = (virtualMs: number, tookMs: number): string =>
  `${(tookMs / 1000).toFixed(1)} s of this machine (${Math.round(virtualMs / Math.max(1, tookMs))} times as fast)`
