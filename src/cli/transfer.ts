/**
 * `export` and `import`: the log as text, a commit a line, each line the very bytes that the chain covers. So an export is the same whoever
 * makes it, and whoever reads it can check it.
 */
import { createReadStream } from 'node:fs'
import { encodeCommit } from '../../events/index.ts'
import { count } from '../operations/words.ts'
import type { Leaf } from './leaf.ts'
import { UsageError } from './problems.ts'

export const exporting: Leaf = {
  examples: ['chronet export > log.ndjson', "chronet export --from '#100' | gzip > tail.ndjson.gz"],
  name: 'export',
  options: [
    { flags: '--from <commit>', what: 'the first (default: #1)' },
    { flags: '--to <commit>', what: 'the last (default: the newest)' },
  ],
  run: async (session, _args, values) => {
    const range = { ...bound('from', values.text('from')), ...bound('to', values.text('to')) }
    let written = 0
    const head = await session.with('read', async (operations) => {
      for await (const commit of operations.commits({ ...range, stored: true })) {
        session.io.write(`${encodeCommit(commit)}\n`)
        written++
        await session.io.flush()
        if (session.io.signal.aborted)
          throw new Error('interrupted: what was written is the beginning of an export')
      }
      return (await operations.status()).head
    })
    session.note(`${count(written, 'commit')}${range.to === undefined ? `, head ${head.hash}` : ''}`)
    return undefined
  },
  summary: 'write the log as text, a commit a line',
  text: 'A line is what the chain covers, byte for byte. The last line to stderr tells the head: note it, and import or verify can check it.',
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
    const from = file === undefined || file === '-' ? session.io.stdin : createReadStream(file)
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
