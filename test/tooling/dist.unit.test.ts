/** What is published: the built files, as a user's program imports them. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const ENTRIES = ['chronet', 'chronet/events', 'chronet/machines', 'chronet/projections', 'chronet/simulator']

describe.runIf(existsSync('dist/src/index.js'))('the built package', () => {
  it.each(ENTRIES)('loads as %s', async (entry) => {
    const script = `import(${JSON.stringify(entry)}).then((m) => console.log(Object.keys(m).length))`
    const { stdout } = await run(process.execPath, ['-e', script])
    expect(Number(stdout)).toBeGreaterThan(3)
  })
})
