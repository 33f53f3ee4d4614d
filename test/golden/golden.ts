/** The golden logs and what they fold to: where they lie, and how they are read. */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { decodeCommit, UPCASTERS, upcastBy } from '../../events/index.ts'
import type { AnyFact, Commit } from '../../events/index.ts'
import { tablesOf, withHistory } from '../../projections/index.ts'
import { emptyView, ViewFold } from '../../src/engine/view.ts'

const at = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
/**
 * A host alone; one of a cluster; and one of a cluster as it was written before ClaimGranted had a second version (by `a11d4d8`), which nothing
 * can write any more.
 */
export const GOLDEN = ['log-v1', 'cluster-v1', 'cluster-claims-v1'] as const
export type Golden = (typeof GOLDEN)[number]

/** Its commits, a line each. */
export const pathOf = (golden: Golden): string => at(`./${golden}.ndjson`)
/** What they fold to. */
export const digestsPathOf = (golden: Golden): string => at(`./${golden}.digests.json`)

export const sha256 = (text: string): string => hash('sha256', text, 'hex')

/** The stored lines, and the commits as they are read today. */
export function readGolden(golden: Golden = 'log-v1'): {
  readonly commits: readonly Commit<AnyFact>[]
  readonly lines: readonly string[]
} {
  const lines = readFileSync(pathOf(golden), 'utf8').trimEnd().split('\n')
  const upcast = upcastBy(UPCASTERS)
  return { commits: lines.map((line) => upcast(decodeCommit(line)) as Commit<AnyFact>), lines }
}

/** SHA-256 of each table that the commits fold to, rows in the order of their text. */
export function digestsOf(commits: readonly Commit<AnyFact>[]): Readonly<Record<string, string>> {
  const fold = new ViewFold({ ...emptyView, projections: withHistory })
  fold.add(commits)
  const { machines, projections } = fold.view()
  const tables = [...tablesOf(projections), ['machines', machines.entries()] as const]
  return Object.fromEntries(tables.map(([name, rows]) => [name, digestOf(rows)]))
}

const digestOf = (rows: Iterable<unknown>): string => sha256([...rows].map((row) => JSON.stringify(row)).sort().join('\n'))
