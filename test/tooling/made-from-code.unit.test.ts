/** Documents that are made from the code are as the code makes them. `npm run docs` writes them. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '../../events/errors.ts'
import { namesOf } from '../../scripts/lib/sources.ts'
import { API, api } from '../../scripts/write-api.ts'
import { ERROR_INDEX, errorIndex } from '../../scripts/write-errors.ts'
import { CATALOGUE, catalogue } from '../../scripts/write-facts.ts'
import { PAGE, simulationPage, withoutCounts } from '../../scripts/write-simulation.ts'
import { factTypes } from '../../src/cli/sentences.ts'

describe('documents made from the code', () => {
  it.each([
    ['facts.md', CATALOGUE, catalogue],
    ['errors/README.md', ERROR_INDEX, errorIndex],
    ['api.md', API, api],
  ] as const)('docs/%s is current (npm run docs)', (_name, path, made) => {
    expect(readFileSync(path, 'utf8')).toBe(made())
  })

  it('docs/simulation.md is current but for its counts (npm run docs)', () => {
    const page = readFileSync(PAGE, 'utf8')
    expect(withoutCounts(page)).toBe(withoutCounts(simulationPage(page)))
  })

  it('know every fact, every code and every export', () => {
    const named = [...catalogue().matchAll(/^### (\w+)\n\n.+\n\n`v` (\d)/gm)].map(([, name]) => name)
    expect(named.sort()).toEqual([...factTypes].sort())
    for (const code of Object.keys(ERROR_CODES)) expect(errorIndex()).toContain(`[${code}](${code}.md)`)
    const page = api()
    for (const name of namesOf('src/index.ts')) expect(page).toContain(`\n## ${name}\n`)
  })

  it('say of every fact in a sentence what it means', () => {
    expect(catalogue()).not.toMatch(/^### \w+\n\n`v`/m)
  })
})

describe('links between documents, and into the code', () => {
  it.each([
    'README.md',
    'docs/architecture.md',
    'docs/promises.md',
    'docs/facts.md',
    'docs/api.md',
    'docs/errors/README.md',
    'docs/simulation.md',
  ])('%s names only what is there', (page) => {
    const links = [...readFileSync(page, 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(
      ([, path = '']) => path,
    )
    expect(links.filter((path) => !existsSync(join(dirname(page), path)))).toEqual([])
  })

  it('promises name only tests and sources that are there', () => {
    const named = [...readFileSync('docs/promises.md', 'utf8').matchAll(/`((?:src|test)\/[^`]+)`/g)].map(
      ([, path = '']) => path,
    )
    expect(named.length).toBeGreaterThan(2)
    expect(named.filter((path) => !existsSync(path))).toEqual([])
  })
})
