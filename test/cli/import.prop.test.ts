/** Export and import: the same bytes, or nothing at all. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EngineError } from '../../events/index.ts'
import { importLog } from '../../src/cli/import-log.ts'
import { openReader } from '../../src/operations/reader.ts'
import { openDisk } from '../../src/storage/disk.ts'
import { sha256 } from '../../src/system/hash.ts'
import { CommandLab, say } from './lab.ts'

let scratch = ''
let text = ''
let made = 0

const place = (): { dataDir: string; runDir: string } => ({
  dataDir: join(scratch, `data-${++made}`),
  runDir: join(scratch, 'run'),
})

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'chronet-import-'))
  const lab = await CommandLab.open()
  await lab.do('network create web')
  await lab.do('sandbox create ä-€-𝄞 --label "text=a \\u2028 b"')
  text = (await lab.do('export')).out
})
afterAll(() => rm(scratch, { force: true, recursive: true }))

/** In pieces of so many bytes, as a pipe gives them. */
async function* inPieces(of: string | Buffer, bytes: number): AsyncGenerator<Buffer> {
  const all = Buffer.from(of)
  for (let at = 0; at < all.length; at += bytes) yield all.subarray(at, at + bytes)
}

const read = async (dataDir: string, runDir: string): Promise<string> => {
  const operations = await openReader(
    { dataDir, runDir },
    {
      afterTurn: (run) => void setImmediate(run),
      hash: sha256,
      later: (ms, run) => void setTimeout(run, ms),
      nowMs: () => Date.now(),
      openDisk: (where) => openDisk(where),
      openKernel: () => Promise.reject(new Error('no kernel is needed')),
    },
  )
  const { say } = await import('./lab.ts')
  return (await say('export', () => Promise.resolve(operations))).out
}

it('a file that is not there, or is no file, is told and changes nothing', async () => {
  const directory = await mkdtemp(join(scratch, 'import-'))
  const [missing, target] = [join(directory, 'nothing'), join(directory, 'data')]
  expect(await say(`import ${missing} --data-dir ${target}`)).toMatchObject({
    err: `error ERR_NOT_FOUND: there is no file ${missing}\n       import what export wrote\n`,
    status: 1,
  })
  expect((await say(`import ${directory} --data-dir ${target}`)).err).toContain('is a directory')
  expect(await readdir(directory)).toEqual([])
})

describe('an export', () => {
  it('comes back byte for byte, however it is cut into pieces, with its last newline or without', async () => {
    for (const [given, bytes] of [
      [text, 1 << 16],
      [text, 7],
      [text.trimEnd(), 1000],
    ] as const) {
      const { dataDir, runDir } = place()
      const imported = await importLog(inPieces(given, bytes), dataDir)
      expect(imported).toEqual({
        commits: text.trimEnd().split('\n').length,
        head: sha256(text.trimEnd().split('\n').at(-1) ?? ''),
        origin: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      })
      expect(await read(dataDir, runDir)).toBe(text)
    }
  })

  it('is refused where a log is, and into a directory that is not empty', async () => {
    const { dataDir } = place()
    await importLog(inPieces(text, 1000), dataDir)
    await expect(importLog(inPieces(text, 1000), dataDir)).rejects.toMatchObject({ code: 'ERR_EXISTS' })
  })

  it('must have the head that was given, and is only checked on a dry run', async () => {
    const [{ dataDir: wrong }, { dataDir: dry }] = [place(), place()]
    const head = 'a'.repeat(64)
    await expect(importLog(inPieces(text, 1000), wrong, { head })).rejects.toMatchObject({
      code: 'ERR_LOG_DAMAGED',
    })
    await importLog(inPieces(text, 1000), dry, { dryRun: true })
    expect((await readdir(scratch)).filter((name) => wrong.endsWith(name) || dry.endsWith(name))).toEqual([])
  })

  it('of nothing is refused', async () => {
    const { dataDir } = place()
    await expect(importLog(inPieces('', 1), dataDir)).rejects.toMatchObject({ code: 'ERR_LOG_DAMAGED' })
  })

  it('that differs anywhere is refused, and nothing is left of it', async () => {
    const bytes = Buffer.from(text)
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 2), fc.integer({ max: 255, min: 1 }), async (at, change) => {
        const { dataDir } = place()
        const broken = Buffer.from(bytes)
        broken[at] = (broken[at] ?? 0) ^ change
        // A change of the last line fits the chain if it is canonical: only its head tells, as for any log's last commit.
        const head = sha256(text.trimEnd().split('\n').at(-1) ?? '')
        const error: unknown = await importLog(inPieces(broken, 4096), dataDir, { head }).catch(
          (e: unknown) => e,
        )
        expect(error).toBeInstanceOf(EngineError)
        expect(['ERR_COMMIT_INVALID', 'ERR_INVALID', 'ERR_LOG_DAMAGED']).toContain(
          (error as EngineError).code,
        )
        expect((await readdir(scratch)).filter((name) => name.includes(`data-${made}`))).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  it('with lines left out, doubled or in another order is refused', async () => {
    const lines = text.trimEnd().split('\n')
    const [first = '', second = '', ...rest] = lines
    for (const given of [
      lines.slice(1),
      [first, ...rest],
      [first, first, second, ...rest],
      [second, first, ...rest],
    ]) {
      const { dataDir } = place()
      await expect(importLog(inPieces(given.join('\n'), 1000), dataDir)).rejects.toThrow(EngineError)
    }
  })
})
