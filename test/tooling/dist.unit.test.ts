/** What is published: the built files, as a user's program imports them. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { scratch } from '../events/support.ts'

const run = promisify(execFile)
/** And how many names each has at least. */
const ENTRIES = [
  ['chronet', 4],
  ['chronet/events', 4],
  ['chronet/machines', 4],
  ['chronet/projections', 4],
  ['chronet/simulator', 4],
  ['chronet/simulator/fast-check', 1],
] as const

describe.runIf(existsSync('dist/src/index.js'))('the built package', () => {
  it.each(ENTRIES)('loads as %s', async (entry, names) => {
    const script = `import(${JSON.stringify(entry)}).then((m) => console.log(Object.keys(m).length))`
    const { stdout } = await run(process.execPath, ['-e', script])
    expect(Number(stdout)).toBeGreaterThanOrEqual(names)
  })
})

describe.runIf(existsSync('dist/bin/chronet.js'))('the built command', () => {
  it('was compiled beforehand, and starts also where what was kept of that is gone, broken, or of another Node', async () => {
    const bin = join(await scratch(), 'bin')
    await cp('dist/bin', bin, { recursive: true })
    const help = async (): Promise<string> =>
      (await run(process.execPath, [join(bin, 'chronet.js'), '--help'])).stdout
    const said = await help()
    expect(said).toContain('Usage: chronet')
    const cache = join(bin, 'command.cache')
    expect(existsSync(cache)).toBe(true)
    await writeFile(cache, 'nothing that V8 knows')
    expect(await help()).toBe(said)
    await rm(cache)
    expect(await help()).toBe(said)
  })
})
