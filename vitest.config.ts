/**
 * Tests by tier, which stands in the file's name. `pure` (unit, prop, sim) runs in parallel, anywhere. `linux` (linux,
 * contract) and `crash` need the namespaces that `npm test` makes and are root there; they share one kernel, and some
 * measure it, so their files run one after another, when the pure ones are done. `nats` asks real nats-servers, each on ports
 * and files of its own; `npm test` says where their programs are, and without them these tests are skipped.
 */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The package as its users name it, from the sources; the longer names first. */
const alias = [
  { find: 'chronet/events', replacement: source('events/index.ts') },
  { find: 'chronet/machines', replacement: source('machines/index.ts') },
  { find: 'chronet/projections', replacement: source('projections/index.ts') },
  { find: 'chronet/simulator/fast-check', replacement: source('src/simulator/fast-check.ts') },
  { find: 'chronet/simulator', replacement: source('src/simulator/index.ts') },
  { find: 'chronet', replacement: source('src/index.ts') },
]

const tier = (name: string, kinds: readonly string[], groupOrder: number, testTimeoutMs: number) => ({
  extends: true as const,
  test: {
    fileParallelism: groupOrder === 0,
    hookTimeout: testTimeoutMs,
    include: kinds.map((kind) => `test/**/*.${kind}.test.ts`),
    name,
    sequence: { groupOrder },
    testTimeout: testTimeoutMs,
  },
})

export default defineConfig({
  resolve: { alias },
  test: {
    environment: 'node',
    pool: 'forks',
    projects: [
      tier('pure', ['unit', 'prop', 'sim'], 0, 20_000),
      tier('linux', ['linux', 'contract'], 1, 30_000),
      tier('nats', ['nats'], 0, 60_000),
      tier('crash', ['crash'], 2, 300_000),
    ],
  },
})
