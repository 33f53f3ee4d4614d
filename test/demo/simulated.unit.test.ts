/** The demo on the simulated kernel: without rights, without what only Linux has, and in place of a real one. */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Told } from '../../src/demo/print.ts'
import { ran, type Ran } from './ran.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Two processes, which compile what they load. */
const PLAY_MS_MAX = 120_000

/** Fails whoever loads the FFI library: it stands for a platform that has none. */
const NO_FFI = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module'
  const hooks = \`export const resolve = (name, context, next) => {
    if (name === 'koffi') throw new Error('koffi was loaded')
    return next(name, context)
  }\`
  register('data:text/javascript,' + encodeURIComponent(hooks))
`)}`

const SOURCES = ['--import', 'tsx']

describe('the demo on the simulated kernel', () => {
  let scratch: string
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'chronet-demo-test-'))
  })
  afterAll(() => rm(scratch, { recursive: true }))

  function run(program: string, args: readonly string[]): Promise<Ran> {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, TMPDIR: scratch },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return ran(child)
  }

  const stepsOf = ({ output }: Ran): readonly (Told & { readonly ok: boolean })[] =>
    output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Told & { ok: boolean })

  it(
    'holds what it claims and leaves nothing behind, where no C library can be called',
    async () => {
      const demo = ['--import', NO_FFI, 'src/demo/main.ts', '--json', '--simulated']
      const ran = await run(process.execPath, [...SOURCES, ...demo])
      const steps = stepsOf(ran)
      expect(ran.errors).toBe('')
      expect(steps.filter(({ ok }) => !ok)).toEqual([])
      expect(steps.map(({ number }) => number)).toEqual(Array.from({ length: 13 }, (_, index) => index + 1))
      expect(steps.at(-1)?.proof).toBe('left behind: nothing')
      expect(ran.status).toBe(0)
      expect((await readdir(scratch)).filter((name) => name.startsWith('chronet'))).toEqual([])
    },
    PLAY_MS_MAX,
  )

  it(
    'tells how it is used when it is used otherwise',
    async () => {
      const ran = await run(process.execPath, [...SOURCES, 'src/demo/main.ts', '--imaginary'])
      expect(ran).toEqual({
        errors: 'usage: npm start [-- [--json] [--simulated]]\n',
        output: '',
        status: 64,
      })
    },
    PLAY_MS_MAX,
  )
})
