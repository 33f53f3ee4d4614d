/**
 * Tests by tier, which stands in the file's name. `pure` (unit, prop, sim) runs anywhere. `linux` (linux, contract) and `crash` need the
 * namespaces that `npm test` makes and are root there. `nats` asks real nats-servers, each on ports and files of its own; `npm test`
 * says where their programs are, and without them these tests are skipped.
 *
 * A file of tests runs for each processor, two at least, for many of them wait. Those on the kernel are two at a time: each makes hosts of its
 * own, which are network namespaces, but all wait for the one lock that the kernel has for links. Who kills processes at
 * random moments does so alone, in the end. Files of `pure` share the processes that they run in: loading chronet took longer than testing it.
 */
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/longest-first.ts'

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const alias = [
  // The package as its users name it, from the sources; the longer names first.
  { find: 'chronet/events', replacement: source('events/index.ts') },
  { find: 'chronet/machines', replacement: source('machines/index.ts') },
  { find: 'chronet/projections', replacement: source('projections/index.ts') },
  { find: 'chronet/simulator/fast-check', replacement: source('src/simulator/fast-check.ts') },
  { find: 'chronet/simulator', replacement: source('src/simulator/index.ts') },
  { find: 'chronet', replacement: source('src/index.ts') },
  { find: /^\.\/start-thread\.ts$/, replacement: source('test/linux/start-thread.ts') },
]

type Tier = {
  /** Tiers of one number run together, with equal workers; higher ones when those of lower ones are done. */
  readonly groupOrder: number
  /** Whether each file has a process of its own, and loads all of chronet anew. */
  readonly isolate?: boolean
  readonly timeoutMs: number
  readonly workers: number
}

const tier = (
  name: string,
  kinds: readonly string[],
  { groupOrder, isolate = true, timeoutMs, workers }: Tier,
) => ({
  extends: true as const,
  test: {
    hookTimeout: timeoutMs,
    include: kinds.map((kind) => `test/**/*.${kind}.test.ts`),
    isolate,
    maxWorkers: workers,
    name,
    sequence: { groupOrder },
    testTimeout: timeoutMs,
  },
})

const WORKERS = Math.max(2, availableParallelism())

export default defineConfig({
  resolve: { alias },
  test: {
    environment: 'node',
    pool: 'forks',
    projects: [
      tier('pure', ['unit', 'prop', 'sim'], {
        groupOrder: 0,
        isolate: false,
        timeoutMs: 20_000,
        workers: WORKERS,
      }),
      tier('nats', ['nats'], { groupOrder: 0, timeoutMs: 60_000, workers: WORKERS }),
      tier('linux', ['linux', 'contract'], { groupOrder: 1, timeoutMs: 60_000, workers: 2 }),
      tier('crash', ['crash'], { groupOrder: 2, timeoutMs: 300_000, workers: 1 }),
    ],
    sequence: { sequencer: LongestFirst },
  },
})
