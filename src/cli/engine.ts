/** `chronet engine`: the long-lived engine, in the foreground, until a signal ends it. It heals, and serves its socket. */
import type { AnyFact, Commit } from '../../events/index.ts'
import type { Recovered } from '../engine/recover.ts'
import { Names } from '../operations/names.ts'
import type { Operations } from '../operations/operations.ts'
import { clock, count } from '../operations/words.ts'
import { aborted } from './aborted.ts'
import type { Leaf } from './leaf.ts'
import { sentence } from './sentences.ts'
import type { Session } from './session.ts'

export const engine: Leaf = {
  examples: [
    'chronet engine',
    'chronet engine --data-dir /srv/chronet --run-dir /run/chronet',
    'systemd-run --unit chronet chronet engine',
  ],
  name: 'engine',
  options: [
    {
      flags: '--accept-log-behind',
      what: 'go on though the log is older than what ran here in this boot: what it does not know is removed',
    },
  ],
  run: async (session, _args, values) => {
    const [{ serveEngine }, { operationsOf }] = await Promise.all([
      import('../server/server.ts'),
      import('../operations/engine-operations.ts'),
    ])
    const { dataDir, runDir } = session.settings
    const onProblem = (problem: unknown): void =>
      session.note(`problem: ${problem instanceof Error ? problem.message : String(problem)}`)
    const acceptLogBehind = values.flag('acceptLogBehind')
    const served = await serveEngine({ acceptLogBehind, dataDir, onProblem, runDir })
    try {
      const operations = operationsOf(served.controller)
      tellRestored(session, served.controller.recovered)
      await tellReady(session, operations, served.socket)
      if (served.controller.blocked) session.note(`reading only: ${served.controller.blocked.message}`)
      await Promise.race([aborted(session.io.signal), tellOfItself(session, operations)])
      await aborted(session.io.signal)
    } finally {
      session.note('ending: what is under way is finished')
      await served.close()
    }
    return undefined
  },
  summary: 'run the engine in the foreground, until a signal ends it',
  text: 'It heals, and serves commands. One engine per data directory. Commands beside it go through its socket. What it leaves in the kernel when it ends is what the log says.',
}

async function tellReady(
  session: Session,
  operations: Operations,
  socket: string | undefined,
): Promise<void> {
  const [status, picture] = [await operations.status(), await operations.picture()]
  const { networks, sandboxes, endpoints } = picture
  if (session.json) {
    session.show({ ready: true, ...(socket === undefined ? {} : { socket }), ...status })
    return
  }
  session.print(
    `ready: ${count(networks.length, 'network')}, ${count(sandboxes.length, 'sandbox', 'sandboxes')}, ` +
      `${count(endpoints.length, 'endpoint')} as of #${status.head.seq} in ${status.dataDir}`,
    ...(socket === undefined ? [] : [`serves ${socket}`]),
  )
}

/** The log on the disk was older than the cluster's. */
function tellRestored(session: Session, recovered: Recovered | undefined): void {
  const { restored } = recovered ?? {}
  if (restored === undefined) return
  session.note(`the log was behind: #${restored.from} to #${restored.to} were taken from the cluster`)
}

/** What nobody asked for: drift and its healing, contention, orphans. */
async function tellOfItself(session: Session, operations: Operations): Promise<void> {
  const names = new Names()
  names.addPicture(await operations.picture())
  const { head } = await operations.status()
  for await (const commit of operations.commits({ follow: true, from: head.seq + 1 })) {
    names.add(commit)
    for (const fact of commit.facts) if (OWN.has(fact.type)) tell(session, commit, fact, names)
    names.forget(commit)
  }
}

function tell(session: Session, commit: Commit<AnyFact>, fact: AnyFact, names: Names): void {
  const { at, seq } = commit
  if (session.json) return session.show({ at, data: fact.data, seq, stream: fact.stream, type: fact.type })
  session.print(`#${seq}  ${clock(at, session.io.nowMs())}  ${sentence(fact, names, at)}`)
}

const OWN: ReadonlySet<string> = new Set([
  'ClockSteppedBack',
  'Contention',
  'DriftObserved',
  'OrphansRemoved',
])
