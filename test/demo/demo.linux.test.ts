/** The demo of `npm start`, played from the sources on the real kernel, in namespaces of its own. */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Told } from '../../src/demo/print.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** From sources each of its eight processes compiles what it loads. */
const PLAY_MS_MAX = 120_000

type Played = {
  readonly output: string
  readonly status: NodeJS.Signals | number | null
  readonly steps: readonly (Told & { readonly ok: boolean })[]
}

describe('the demo', () => {
  let scratch: string
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'chronet-demo-test-'))
  })
  afterAll(() => rm(scratch, { recursive: true }))

  /** What is left of its files; the loader of the sources has a cache there, which is its own. */
  const left = async (): Promise<readonly string[]> =>
    (await readdir(scratch)).filter((name) => name.startsWith('chronet'))

  /** `before` is a shell command, run on the demo's host; `onOutput` may send the demo a signal. */
  function play(
    before = 'true',
    onOutput: (kill: (signal: NodeJS.Signals) => void) => void = () => undefined,
  ): Promise<Played> {
    const demo = ['node', '--import', 'tsx', 'src/demo/main.ts', '--json']
    const script = `${before} && exec "$@"`
    const namespaces = ['-n', '-m', '--propagation', 'private', '--']
    const child = spawn('unshare', [...namespaces, 'sh', '-c', script, 'sh', ...demo], {
      cwd: root,
      env: { ...process.env, TMPDIR: scratch },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      onOutput((signal) => child.kill(signal))
    })
    return new Promise((resolve) => {
      child.on('close', (code, signal) => {
        const lines = output.split('\n').filter((line) => line !== '')
        const steps = lines.map((line) => JSON.parse(line) as Played['steps'][number])
        resolve({ output, status: code ?? signal, steps })
      })
    })
  }

  it(
    'holds what it claims, and leaves nothing behind',
    async () => {
      const { status, steps } = await play()
      expect(steps.filter(({ ok }) => !ok)).toEqual([])
      expect(steps.map(({ number }) => number)).toEqual(Array.from({ length: 13 }, (_, index) => index + 1))
      expect(steps.at(-1)?.proof).toBe('left behind: nothing')
      expect(status).toBe(0)
      expect(await left()).toEqual([])
    },
    PLAY_MS_MAX,
  )

  it(
    'says what did not hold, plays on, and exits 1',
    async () => {
      // Somebody's firewall forbids what leaves the bridges.
      const { status, steps } = await play(
        `nft 'add table inet stranger
              add chain inet stranger wall { type filter hook forward priority 10; }
              add rule inet stranger wall oifname "uplink" drop'`,
      )
      const failed = steps.filter(({ ok }) => !ok)
      expect(failed[0]).toMatchObject({
        failure: { expected: '198.51.100.2', seen: 'ETIMEDOUT' },
        what: 'a reaches outside',
      })
      expect(steps).toHaveLength(13)
      expect(status).toBe(1)
    },
    PLAY_MS_MAX,
  )

  it(
    'cleans up when it is interrupted',
    async () => {
      const { status, steps } = await play('true', (kill) => kill('SIGINT'))
      expect(status).toBe(130)
      expect(steps.length).toBeLessThan(13)
      expect(await left()).toEqual([])
    },
    PLAY_MS_MAX,
  )
})
