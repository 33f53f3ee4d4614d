/**
 * The package's promises: exact versions, a lockfile that works with any registry, pages for error codes, and a set-up
 * that knows when what is installed is not what the lockfile says.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { VERSION } from '../../src/version.ts'
import { ERROR_CODES } from '../../events/errors.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): string => readFileSync(root + path, 'utf8')

type Entry = {
  readonly integrity?: string
  readonly optional?: boolean
  readonly optionalDependencies?: object
}
type Lock = { readonly packages: Readonly<Record<string, Entry>> }

describe('package.json', () => {
  it('names exact versions only', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >
    for (const version of Object.values({ ...dependencies, ...devDependencies })) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    }
  })
})

describe('the version', () => {
  it('is the same in the code as in package.json', () => {
    expect((JSON.parse(read('package.json')) as { version: string }).version).toBe(VERSION)
  })
})

describe('package-lock.json', () => {
  it('has no download addresses', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved"|"https?:\/\/[^"]*\.tgz/)
  })

  it('has a hash for every package', () => {
    const { '': _project, ...packages } = (JSON.parse(read('package-lock.json')) as Lock).packages
    for (const [path, entry] of Object.entries(packages)) expect(entry, path).toHaveProperty('integrity')
  })
})

describe('package-lock.json on another platform', () => {
  // A registry that lagged when the lockfile was made leaves packages of other platforms out, and `npm ci` refuses it.
  it('has the packages of every platform', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as Lock
    const optional = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
    for (const name of optional) expect(packages).toHaveProperty([`node_modules/${name}`])
  })
})

describe('docs/errors', () => {
  const pages = readdirSync(`${root}docs/errors`).filter((name) => name.startsWith('ERR_'))

  it('has a page for each code, and no other', () => {
    expect(pages.sort()).toEqual(
      Object.keys(ERROR_CODES)
        .map((code) => `${code}.md`)
        .sort(),
    )
  })

  it.each(pages)('%s says what, why, what to do, with an example', (page) => {
    const code = page.replace('.md', '')
    const meaning = Object.entries(ERROR_CODES).find(([name]) => name === code)?.[1]
    expect(read(`docs/errors/${page}`)).toMatch(
      new RegExp(
        `^# ${code}\\n\\n[^]+\\n## Cause\\n\\n[^]+\\n## Fix\\n\\n[^]+\\n## Example\\n\\n\`\`\`[^]+\`\`\`\\n$`,
      ),
    )
    expect(read(`docs/errors/${page}`).toLowerCase()).toContain(meaning?.toLowerCase())
  })
})

describe('set-up', async () => {
  const url = new URL('../../scripts/lib/install.mjs', import.meta.url).href
  const { packagesAgree } = (await import(url)) as { packagesAgree: (lock: Lock, installed: Lock) => boolean }
  const a = { integrity: 'sha512-a' }
  const lock = { packages: { '': {}, 'node_modules/a': a, 'node_modules/b': { ...a, optional: true } } }

  it.each([
    ['takes what agrees', { 'node_modules/a': a, 'node_modules/b': a }, true],
    ["takes the absence of another platform's package", { 'node_modules/a': a }, true],
    ['installs anew what is missing', { 'node_modules/b': a }, false],
    ['installs anew what is another version', { 'node_modules/a': { integrity: 'sha512-b' } }, false],
    ['installs anew when too much is there', { 'node_modules/a': a, 'node_modules/c': a }, false],
  ])('%s', (_claim, packages, agrees) => {
    expect(packagesAgree(lock, { packages })).toBe(agrees)
  })
})
