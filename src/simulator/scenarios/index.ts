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
