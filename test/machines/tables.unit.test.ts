/**
 * Every state against every command and every fact, as tables to read. They are in `test/golden/machines`; `vitest -u`
 * writes them anew, and the difference is what a reviewer looks at.
 */
import { describe, expect, it } from 'vitest'
import type { EntityKind } from '../../machines/index.ts'
import { decideStream, evolveStream, problemsOfStream } from '../../machines/index.ts'
import { COMMANDS, ENDPOINT, FACTS, KINDS, NETWORK, SANDBOX, statesOf } from './samples.ts'

const STREAMS = {
  endpoint: `endpoint/${ENDPOINT}`,
  network: `network/${NETWORK}`,
  sandbox: `sandbox/${SANDBOX}`,
} as const

/** What follows from each command, and of a receipt whose machine says nothing: `silence`. */
function commandTable(kind: EntityKind): string {
  const lines = statesOf(kind).flatMap(([name, state]) => [
    name,
    ...Object.entries(COMMANDS[kind]).map(([what, command]) => {
      const problems = problemsOfStream(STREAMS[kind], state, command)
      const facts = decideStream(STREAMS[kind], state, command)
      const said = facts.length > 0 ? facts.map((fact) => fact.type) : problems.map((one) => one.code)
      expect(facts.length > 0 && problems.length > 0).toBe(false)
      const answer = said.length === 0 ? 'silence' : said.join(', ')
      return `  ${what.padEnd(40)} ${problems.length > 0 ? 'refused: ' : ''}${answer}`
    }),
    '',
  ])
  return lines.join('\n')
}

/** Where each fact leads, with the context; what a state does not take is left out. */
function factTable(kind: EntityKind): string {
  const lines = statesOf(kind).flatMap(([name, state]) => [
    `${name}  ${shown(state.context)}`,
    ...FACTS[kind].flatMap((fact) => {
      try {
        const after = evolveStream(state, fact)
        return [`  ${fact.type.padEnd(26)} → ${(after?.value ?? '').padEnd(10)} ${shown(after?.context)}`]
      } catch {
        return []
      }
    }),
    '',
  ])
  return lines.join('\n')
}

/** Ids by their first four characters. */
const shown = (context: unknown): string =>
  JSON.stringify(context).replace(/[0-9a-f]{64}/g, (id) => id.slice(0, 4))

describe.each(KINDS)('%s', (kind) => {
  it('answers each command in each state as the table says', async () => {
    await expect(commandTable(kind)).toMatchFileSnapshot(`../golden/machines/${kind}.commands.txt`)
  })

  it('goes by each fact from each state where the table says', async () => {
    await expect(factTable(kind)).toMatchFileSnapshot(`../golden/machines/${kind}.facts.txt`)
  })
})
