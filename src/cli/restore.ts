/** `chronet cluster restore`: a host whose disk is lost, damaged or rolled back gets its log back from the cluster. */
import type { Restored, RestoreOptions, RestorePorts } from '../operations/restore.ts'
import { count } from '../operations/words.ts'
import { ACCESS_OPTIONS, accessIn } from './access.ts'
import type { Leaf, Values } from './leaf.ts'
import type { Session } from './session.ts'

export const restoring: Leaf = {
  args: [['[server...]', 'where nats-servers are (default: as the log says, if it can be read)']],
  examples: [
    'chronet cluster restore',
    'chronet cluster restore nats://10.0.0.5:4222 --host host-a',
    'chronet cluster restore tls://a:4222 --host 5f0c31d2 --credentials /etc/chronet/host-a.creds',
    'chronet cluster restore --drop-fork --dry-run',
  ],
  name: 'restore',
  options: [
    {
      flags: '--host <host>',
      what: 'whose log it is to be, where the data directory is empty: a name, an id, or its beginning',
    },
    ...ACCESS_OPTIONS,
    {
      flags: '--drop-fork',
      what: "take the cluster's history even where the log here has another; that is put aside",
    },
    { flags: '--dry-run', what: 'read and check all of it, and change nothing' },
  ],
  run: async (session, servers, values) => {
    const { restore } = await import('../operations/restore.ts')
    const { dataDir, runDir } = session.settings
    const restored = await restore({ dataDir, runDir }, await machinePorts(), optionsIn(servers, values))
    if (session.json) session.show(restored)
    else session.print(sentenceOf(restored, session))
    return undefined
  },
  summary: "get this host's log back from the cluster",
  text:
    'For a disk that is lost, damaged, or older than what ran here. No engine may run. Every commit is checked against the one before it. ' +
    'What was there is kept beside it, and the next start begins a new epoch. An engine that finds its log older than the cluster has it ' +
    'does this by itself, before it writes.',
}

function optionsIn(servers: readonly string[], values: Values): RestoreOptions {
  const host = values.text('host')
  return {
    ...(servers.length === 0 ? {} : { access: accessIn(servers, values) }),
    dropFork: values.flag('dropFork'),
    dryRun: values.flag('dryRun'),
    ...(host === undefined ? {} : { host }),
  }
}

async function machinePorts(): Promise<RestorePorts> {
  const [{ openNatsBus }, { openDisk }, { sha256 }] = await Promise.all([
    import('../bus/nats.ts'),
    import('../storage/disk.ts'),
    import('../system/hash.ts'),
  ])
  return {
    hash: sha256,
    openBus: openNatsBus,
    openDisk: (where) => openDisk(where, { role: 'restore' }),
    timers: {
      afterTurn: (run) => void setImmediate(run),
      later: (ms, run) => void setTimeout(run, ms),
    },
  }
}

function sentenceOf({ how, kept, origin, seq, was }: Restored, { settings }: Session): string {
  const { dataDir, dryRun } = settings
  const name = `host ${origin.slice(0, 12)}`
  if (how === 'nothing')
    return `nothing to restore: ${dataDir} has the log of ${name} up to #${seq}, and the cluster no more`
  const verb = dryRun ? 'would be' : 'is'
  if (how === 'added') return `the log of ${name} ${verb} restored from #${was + 1} to #${seq}`
  const aside = kept === undefined ? '' : `; what was there is in ${kept}`
  return `the log of ${name} ${verb} restored in ${dataDir}: ${count(seq, 'commit')}${aside}`
}
