/** For `jobs.unit.test.ts`: two jobs, of which one ends by itself; there is work until that is told. */
import { beJob, Jobs } from '../../src/system/jobs.ts'

const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function work(asked: string): Promise<string> {
  if (asked === 'die') process.exit(3)
  return asked
}

async function parent(): Promise<void> {
  let isTold = false
  let came = 0
  function* all(): Generator<string, void> {
    yield 'die'
    while (!isTold) yield 'more'
    yield 'last'
  }
  const jobs = new Jobs<string, string>(
    import.meta.url,
    all(),
    (what) => {
      came++
      if (what === 'last') say('last')
    },
    (what) => {
      isTold = true
      say(what)
    },
  )
  await jobs.run(2).catch((error: unknown) => say(String(error)))
  say(`over, ${came > 0 ? 'and some came' : 'and nothing came'}`)
}

if (!beJob(work)) await parent()
