/** SIGKILL in the middle of appends: what was acknowledged is there, the chain is whole, and the next start goes on. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openDisk } from '../../src/storage/disk.ts'
import { openOn, scratch } from '../events/support.ts'

const CHILD = fileURLToPath(new URL('kill.child.ts', import.meta.url))

/** Kills it once it has acknowledged so many commits; the last number that it acknowledged. */
async function killAfter(count: number, dataDir: string, runDir: string): Promise<number> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, dataDir, runDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let acknowledged = 0
  let lines = 0
  for await (const line of createInterface(child.stdout)) {
    acknowledged = Math.max(acknowledged, Number(line))
    lines += 1
    if (lines === count) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return acknowledged
}

describe('a kill', () => {
  it('loses nothing that was acknowledged, whenever it comes', { timeout: 120_000 }, async () => {
    const base = await scratch()
    const [dataDir, runDir] = [join(base, 'data'), join(base, 'run')]
    for (const count of [1, 300, 777]) {
      const acknowledged = await killAfter(count, dataDir, runDir)
      const disk = await openDisk({ dataDir, runDir })
      const head = await disk.readHead()
      const log = await openOn(await disk.openStore(), { known: head, origin: disk.origin })
      expect([log.damage, log.opened]).toEqual([undefined, { behind: false, from: 0 }])
      expect(log.durable.seq).toBeGreaterThanOrEqual(acknowledged)
      expect(head?.seq).toBeGreaterThanOrEqual(acknowledged)
      expect(await log.verify()).toBeUndefined()
      await log.close()
      await disk.close()
    }
  })
})
