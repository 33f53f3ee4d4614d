/** The drivers that whoever opens a controller wants. */
import { refuseIf } from '../../events/refuse.ts'
import { builtinDrivers, type Drivers } from '../drivers/index.ts'

/** @throws {RefusedError} ERR_DRIVER_UNKNOWN, for each that there is not */
export function driversOf(wanted: Readonly<Record<string, object>> | undefined): Drivers {
  if (wanted === undefined) return builtinDrivers
  const unknown = Object.keys(wanted).filter((name) => !builtinDrivers.has(name))
  refuseIf(
    unknown.map((name) => ({
      code: 'ERR_DRIVER_UNKNOWN',
      field: 'drivers',
      message: `there is no driver '${name}'; there is: ${[...builtinDrivers.keys()].join(', ')}`,
    })),
  )
  return new Map([...builtinDrivers].filter(([name]) => Object.hasOwn(wanted, name)))
}
