/** `export FILE`: there when it is whole, in nobody's place unless that is asked for. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { ExportFile } from '../../src/cli/export-file.ts'
import { withOthers } from '../../src/operations/operations.ts'
import { scratch } from '../events/support.ts'
import { CommandLab, say } from './lab.ts'

let lab: CommandLab
let text: string

beforeAll(async () => {
  lab = await CommandLab.open()
  await lab.do('network create web')
  text = (await lab.do('export')).out
})

describe('an export to a file', () => {
  it('is what standard output would get, for its owner alone, and tells the head', async () => {
    const directory = await scratch()
    const file = join(directory, 'log.ndjson')
    const { hash, seq } = (await lab.status()).head
    expect(await lab.do(`export ${file}`)).toMatchObject({
      err: '',
      out: `${seq} commits in ${file}, head ${hash}\n`,
      status: 0,
    })
    expect(await readFile(file, 'utf8')).toBe(text)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await lab.do(`export ${file}2 --to 1 --json`)).json()).toMatchObject([
      { commits: 1, file: `${file}2` },
    ])
    expect(await readdir(directory)).toEqual(['log.ndjson', 'log.ndjson2'])
    expect((await lab.do('export -')).out).toBe(text)
  })

  it('takes no place that is taken, but with --force a file’s', async () => {
    const directory = await scratch()
    const [file, folder] = [join(directory, 'there'), join(directory, 'folder')]
    await writeFile(file, 'mine')
    await mkdir(folder)
    const refused = await lab.do(`export ${file}`)
    expect(refused).toMatchObject({ out: '', status: 1 })
    expect(refused.err).toBe(
      `error ERR_EXISTS: ${file} exists\n       choose another name, or take its place with --force\n`,
    )
    expect(await readFile(file, 'utf8')).toBe('mine')
    expect((await lab.do(`export ${folder} --force`)).err).toContain('is no file, and stays')
    expect((await lab.do(`export ${file} --force`)).status).toBe(0)
    expect(await readFile(file, 'utf8')).toBe(text)
    expect(await readdir(directory)).toEqual(['folder', 'there'])
  })

  it('leaves nothing where it fails', async () => {
    const directory = await scratch()
    const said = await lab.do(`export ${join(directory, 'no', 'log')}`)
    expect(said).toMatchObject({ status: 1 })
    expect(said.err).toContain(`there is no directory ${join(directory, 'no')}`)
    const broken = await say(`export ${join(directory, 'log')}`, () =>
      Promise.resolve(
        withOthers({} as never, {
          close: () => Promise.resolve(),
          async *commits() {
            throw new Error('the log is damaged at #1')
          },
        }),
      ),
    )
    expect(broken).toMatchObject({ out: '', status: 1 })
    expect(await readdir(directory)).toEqual([])
  })

  it('gives way to whoever takes its name meanwhile', async () => {
    const directory = await scratch()
    const file = join(directory, 'log')
    const target = await ExportFile.open(file, false)
    await target.write(text)
    await writeFile(file, 'theirs')
    await expect(target.keep()).rejects.toMatchObject({ code: 'ERR_EXISTS' })
    await target.discard()
    expect(await readFile(file, 'utf8')).toBe('theirs')
    expect(await readdir(directory)).toEqual(['log'])
  })
})
