/**
 * `export` and `import`: the log as text, a commit a line, each line the very bytes that the chain covers. So an export is the same whoever
 * makes it, and whoever reads it can check it.
 */
import { open } from 'node:fs/promises'
import { encodeCommit, EngineError } from '../../events/index.ts'
import { count } from '../operations/words.ts'
import type { Operations, Range, Status } from '../operations/operations.ts'
import { ifGone, onDisk } from '../storage/errors.ts'
import type { ExportFile } from './export-file.ts'
import type { Leaf } from './leaf.ts'
import { UsageError } from './problems.ts'
import type { Session } from './session.ts'

export const exporting: Leaf = {
  args: [['[file]', 'where to (default: standard output)']],
  examples: ['chronet export log.ndjson', "chronet export --from '#100' | gzip > tail.ndjson.gz"],
  name: 'export',
  options: [
    { flags: '--force', what: 'take the place of a file that is there' },
    { flags: '--from <commit>', what: 'the first (default: #1)' },
    { flags: '--to <commit>', what: 'the last (default: the newest)' },
  ],
  run: async (session, [file], values) => {
    const range = { ...bound('from', values.text('from')), ...bound('to', values.text('to')) }
    const target = await openTarget(session, file, values.flag('force'))
    try {
      const { commits, head } = await session.with(
        'read',
        (operations) => copy(session, operations, range, target),
        { wantsLog: true },
      )
      await target.keep()
      const whole = range.to === undefined ? `, head ${head.hash}` : ''
      if (file === undefined || file === '-') session.note(`${count(commits, 'commit')}${whole}`)
      else if (session.json) session.show({ commits, file, head: head.hash })
      else session.print(`${count(commits, 'commit')} in ${file}${whole}`)
    } catch (error) {
      await target.discard()
      throw error
    }
    return undefined
  },
  summary: 'write the log as text, a commit a line',
  text: 'A line is what the chain covers, byte for byte. The last line tells the head: note it, and import or verify can check it. A file is there when all of it is written, or not at all.',
}

type Target = Pick<ExportFile, 'discard' | 'keep' | 'write'>

async function openTarget({ io }: Session, file: string | undefined, replaces: boolean): Promise<Target> {
  if (file !== undefined && file !== '-') {
    const { ExportFile } = await import('./export-file.ts')
    return ExportFile.open(file, replaces)
  }
  return {
    discard: () => Promise.resolve(),
    keep: () => Promise.resolve(),
    write: async (text) => {
      io.write(text)
      await io.flush()
    },
  }
}

async function copy(
  { io }: Session,
  operations: Operations,
  range: Range,
  target: Target,
): Promise<{ readonly commits: number; readonly head: Status['head'] }> {
  mustBeThere(range, (await operations.status()).head.seq)
  let commits = 0
  for await (const commit of operations.commits({ ...range, stored: true })) {
    await target.write(`${encodeCommit(commit)}\n`)
    commits++
    if (io.signal.aborted) throw new Error('interrupted: what was written is the beginning of an export')
  }
  return { commits, head: (await operations.status()).head }
}

/** @throws {EngineError} ERR_INVALID: commits are asked for that there are not */
function mustBeThere({ from = 1, to = from }: Range, head: number): void {
  const last = Math.max(from, to)
  if (last > Math.max(1, head))
    throw new EngineError('ERR_INVALID', `the log ends at #${head}; there is no #${last} yet`)
  if (to < from) throw new EngineError('ERR_INVALID', `#${to} comes before #${from}; give --to a later one`)
}

/** @throws {EngineError} ERR_NOT_FOUND: there is none; ERR_NOT_PERMITTED */
async function opened(file: string): Promise<AsyncIterable<Buffer>> {
  const handle = await onDisk(file, () => open(file, 'r').catch(ifGone(undefined)))
  if (handle === undefined)
    throw new EngineError('ERR_NOT_FOUND', `there is no file ${file}; import what export wrote`)
  if (!(await handle.stat()).isDirectory()) return handle.createReadStream()
  await handle.close()
  throw new EngineError('ERR_INVALID', `${file} is a directory; import what export wrote`)
}

function bound(
  name: 'from' | 'to',
  text: string | undefined,
): { readonly from?: number; readonly to?: number } {
  if (text === undefined) return {}
  const seq = Number(/^#?(\d{1,15})$/.exec(text)?.[1] ?? NaN)
  if (!(seq > 0)) throw new UsageError(`--${name} must be a commit (#12), not '${text}'`)
  return { [name]: seq }
}

export const importing: Leaf = {
  args: [['[file]', 'what export wrote (default: standard input)']],
  examples: [
    'chronet import log.ndjson',
    'zcat log.ndjson.gz | chronet import --head 9f2c71… --data-dir /srv/chronet',
  ],
  name: 'import',
  options: [
    { flags: '--head <hash>', what: 'SHA-256 that the last commit must have' },
    { flags: '--dry-run', what: 'check it, and make nothing' },
  ],
  run: async (session, [file], values) => {
    const head = values.text('head')
    if (head !== undefined && !/^[0-9a-f]{64}$/.test(head))
      throw new UsageError(`--head must be 64 lowercase hex digits, not '${head}'`)
    const from = file === undefined || file === '-' ? session.io.stdin : await opened(file)
    const { dataDir, dryRun } = session.settings
    const { importLog } = await import('./import-log.ts')
    const imported = await importLog(from, dataDir, { dryRun, head })
    if (session.json) session.show(imported)
    else
      session.print(
        `${count(imported.commits, 'commit')} ${dryRun ? 'could be' : 'are'} in ${dataDir}, head ${imported.head}`,
      )
    return undefined
  },
  summary: 'read an export into a data directory that has no log yet',
  text: 'All of it is checked first. The kernel is not touched. An imported log is the same log, with the same origin: let only one copy of it live.',
}
