/** `npm start` where namespaces are forbidden. A user namespace has limits of its own, so that the machine keeps its. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ran, type Ran } from './ran.ts'

/** It may have to build first. */
const PLAY_MS_MAX = 120_000

const root = fileURLToPath(new URL('../../', import.meta.url))

const FORBID = `cd /proc/sys/user && echo 0 >max_net_namespaces && echo 0 >max_user_namespaces && cd "$1" && shift && exec "$@"`

function startForbidden(...args: readonly string[]): Promise<Ran> {
  const start = [process.execPath, 'scripts/start.mjs', ...args]
  const child = spawn('unshare', ['-U', '-r', '--', 'sh', '-c', FORBID, 'sh', root, ...start], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return ran(child)
}

describe('npm start without namespaces', () => {
  it(
    'says why, and how to allow them, and plays on the simulated kernel',
    async () => {
      const { errors, output, status } = await startForbidden()
      expect(errors).toContain('chronet may not make namespaces here')
      expect(errors).toContain('\n  sudo sysctl -w user.max_net_namespaces=15000\n')
      expect(errors).toContain('on a simulated kernel')
      expect(output).toMatch(/^chronet · the main job on a simulated kernel, /)
      expect(output).toContain('left behind: nothing')
      expect(status).toBe(0)
    },
    PLAY_MS_MAX,
  )

  it(
    'says nothing of it to who asked for the simulated kernel, and gives programs lines of JSON',
    async () => {
      const { errors, output, status } = await startForbidden('--simulated', '--json')
      expect(errors).not.toContain('namespaces')
      const steps = output.trim().split('\n').map((line) => JSON.parse(line) as { ok: boolean }) // prettier-ignore
      expect(steps.map(({ ok }) => ok)).toEqual(Array<boolean>(13).fill(true))
      expect(status).toBe(0)
    },
    PLAY_MS_MAX,
  )
})
