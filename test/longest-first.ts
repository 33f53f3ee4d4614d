/**
 * The order in which vitest runs files: what takes longest comes first, so that no long one is left over when all others are done. By
 * what took ten seconds and more when it was measured; vitest itself knows only how long the last run of this checkout took.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The longest first. What is not named comes after these; a name too many or too few costs time and nothing else. */
const LONG = [
  'test/crash/kill.crash.test.ts',
  'test/bus/nats.nats.test.ts',
  'test/linux/kernel.contract.test.ts',
  'test/linux/cli.linux.test.ts',
  'test/simulator/seeds.sim.test.ts',
  'test/simulator/matrix.sim.test.ts',
  'test/bus/three.nats.test.ts',
  'test/cluster/real.nats.test.ts',
  'test/linux/families.linux.test.ts',
  'test/simulator/cluster.sim.test.ts',
  'test/demo/demo.linux.test.ts',
  'test/cluster/claims/hosts.nats.test.ts',
  'test/simulator/planted.sim.test.ts',
  'test/linux/rtnetlink.linux.test.ts',
  'test/linux/drift.linux.test.ts',
  'test/cluster/tls.nats.test.ts',
  'test/linux/examples.linux.test.ts',
  'test/engine/crash.sim.test.ts',
]

function rank({ moduleId }: TestSpecification): number {
  const at = LONG.findIndex((path) => moduleId.endsWith(path))
  return at === -1 ? LONG.length : at
}

const orderOf = ({ project }: TestSpecification): number => project.config.sequence.groupOrder

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.sort((a, b) => orderOf(a) - orderOf(b) || rank(a) - rank(b))
  }
}
