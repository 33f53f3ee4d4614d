/** All scenarios, by name. */
import { attachScenarios } from './attach.ts'
import { clusterScenarios } from './cluster.ts'
import { machineScenarios } from './machine.ts'
import { nameScenarios } from './names.ts'
import { peopleScenarios } from './people.ts'
import type { Scenario } from './scenario.ts'

export type { Scenario } from './scenario.ts'

/** Real failures of container networks, told again: {@link Scenario}. */
export const SCENARIOS: readonly Scenario[] = [
  ...attachScenarios,
  ...nameScenarios,
  ...peopleScenarios,
  ...machineScenarios,
  ...clusterScenarios,
]

/** @throws {RangeError} there is none of that name */
export function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find((each) => each.name === name)
  if (found === undefined)
    throw new RangeError(
      `there is no scenario '${name}'; there is: ${SCENARIOS.map((each) => each.name).join(', ')}`,
    )
  return found
}

/** Those of several hosts take longest: begun first, they keep no core waiting for the last. */
export const heaviestFirst = (scenarios: readonly Scenario[]): readonly Scenario[] =>
  [...scenarios].sort((a, b) => (b.hosts ?? 1) - (a.hosts ?? 1))
