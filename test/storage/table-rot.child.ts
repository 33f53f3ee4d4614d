/** The process that `table-rot` lets die: opens a data directory, reads all of its log, prints what it makes of it. */
import { openDisk } from '../../src/storage/disk.ts'
import { all, openOn } from '../events/support.ts'

const [, , dataDir = '', runDir = ''] = process.argv
try {
  const disk = await openDisk({ dataDir, runDir })
  const log = await openOn(await disk.openStore(), { origin: disk.origin })
  const commits = await all(log.read())
  console.log(JSON.stringify({ commits: commits.length, damage: log.damage }))
} catch (error) {
  console.log(JSON.stringify({ code: (error as { code?: unknown }).code }))
}
