/**
 * `npm run mutate`: whether the tests of the pure rooms notice a mistake. Each mutant is one small mistake; one that no test notices
 * survives. Exit status 1: less than 85 % are noticed. What survives, and why, is in `docs/mutation.md`.
 *
 *   npm run mutate -- [--files 'machines/*.ts'] [--sample 200 [--seed 1]] [--jobs 1] [--list] [--json]
 *
 * All mutants stand in one build, each behind a switch (`lib/mutation/instrument.ts`). A run without any notes which tests ask which
 * switches; then each mutant meets only those, those first that have noticed its neighbours.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundle } from './lib/mutation/bundle.ts'
import { isMatch, sampleOf } from './lib/mutation/choose.ts'
import { instrument, type Mutant } from './lib/mutation/instrument.ts'
import { MutantWorker } from './lib/mutation/pool.ts'
import { Reach } from './lib/mutation/reach.ts'
import { json, mutantLine, report, scoreOf, type Tried } from './lib/mutation/report.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SCORE_MIN = 0.85
/** What is mutated, and the folders of the tests that are to notice: those that whoever changes it would run first. */
const ROOMS = [
  { sources: 'events/*.ts', tests: '{events,golden}' },
  { sources: 'machines/*.ts', tests: '{machines,golden}' },
  { sources: 'projections/*.ts', tests: '{projections,golden}' },
  { sources: 'src/reconcile/{diff,marks,near,plan,scope,specs}.ts', tests: '{drivers,reconcile}' },
]
type Room = {
  readonly mutants: readonly Mutant[]
  readonly tests: string
  readonly texts: ReadonlyMap<string, string>
}

const { values } = parseArgs({
  options: {
    files: { default: '**', type: 'string' },
    help: { default: false, short: 'h', type: 'boolean' },
    jobs: { default: '1', type: 'string' },
    json: { default: false, type: 'boolean' },
    list: { default: false, type: 'boolean' },
    sample: { type: 'string' },
    seed: { default: '1', type: 'string' },
  },
})
const say = (text: string): void => void process.stdout.write(`${text}\n`)
if (values.help) {
  say(`npm run mutate -- [options]: how many small mistakes in the pure rooms the tests notice. All of them take an hour and more.

  --files <pattern>  mutate these alone: 'machines/*.ts'
  --sample <n>       so many mutants by chance, instead of all
  --seed <n>         of that chance (1)
  --jobs <n>         processes that try mutants (1)
  --list             say which mutants there are, and try none
  --json             for programs

Exit status 1: less than 85 % are noticed. What survives, and why: docs/mutation.md`)
  process.exit(0)
}
const hint = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

/** Files of the checkout by path, in order. */
const filesLike = (pattern: string): readonly string[] =>
  ['events', 'machines', 'projections', 'src', 'test']
    .flatMap((folder) =>
      readdirSync(ROOT + folder, { recursive: true }).map((name) => `${folder}/${String(name)}`),
    )
    .filter((path) => path.endsWith('.ts') && isMatch(pattern, path))
    .sort()

/** The rooms with the texts of their files, mutated, and all mutants, numbered from 0. */
function mutated(): readonly Room[] {
  let count = 0
  return ROOMS.map(({ sources, tests }) => {
    const mutants: Mutant[] = []
    const texts = new Map<string, string>()
    for (const path of filesLike(sources).filter((each) => isMatch(values.files, each))) {
      const made = instrument(path, readFileSync(ROOT + path, 'utf8'), count)
      count += made.mutants.length
      mutants.push(...made.mutants)
      texts.set(path, made.text)
    }
    return { mutants, tests, texts }
  })
}

/** Tries a room's mutants one after the other, on each of the workers. */
async function attempt({ mutants, tests, texts }: Room): Promise<readonly Tried[]> {
  const directory = mkdtempSync(join(tmpdir(), 'chronet-mutate-'))
  const workers = Array.from({ length: Number(values.jobs) }, () => new MutantWorker(directory))
  const reach = new Reach()
  const tried: Tried[] = []
  const next = mutants.values()
  const work = async (worker: MutantWorker): Promise<void> => {
    for (const mutant of next) {
      const runs = reach.runs(mutant)
      const { killer } = runs.length === 0 ? {} : await worker.try(mutant.id, runs)
      const noted = killer === undefined ? {} : { killer: reach.note(mutant, killer) }
      tried.push({ ...noted, mutant, reached: runs.length > 0 })
      hint(`${mutant.file}: ${tried.length} of ${mutants.length}, ${(100 * scoreOf(tried)).toFixed(1)} %`)
    }
  }
  try {
    const files = filesLike(`test/${tests}/*.{unit,prop}.test.ts`)
    for (const each of await bundle(ROOT, files, texts, directory)) {
      hint(`without a mutant: ${each.file}`)
      const [worker] = workers
      if (worker) reach.add(each, await worker.record(each))
    }
    await Promise.all(workers.map(work))
  } finally {
    for (const worker of workers) worker.close()
    rmSync(directory, { force: true, recursive: true })
    hint('')
  }
  return tried.sort((a, b) => a.mutant.id - b.mutant.id)
}

const rooms = mutated()
const all = rooms.flatMap(({ mutants }) => mutants)
const chosen = new Set(
  values.sample === undefined ? all : sampleOf(all, Number(values.sample), Number(values.seed)),
)
const tried: Tried[] = []
for (const room of rooms) {
  const mutants = room.mutants.filter((mutant) => chosen.has(mutant))
  if (values.list) for (const mutant of mutants) say(mutantLine(mutant))
  else if (mutants.length > 0) tried.push(...(await attempt({ ...room, mutants })))
}
if (!values.list) {
  say(values.json ? json(tried) : report(tried))
  process.exitCode = scoreOf(tried) < SCORE_MIN ? 1 : 0
}
