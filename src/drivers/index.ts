/** The drivers that this engine has, by name. */
import type { CommandData, Problem } from '../../events/index.ts'
import { bridgeDriver } from './bridge.ts'
import type { Driver } from './driver.ts'
import { testDriver } from './test.ts'

export type { Driver, EndpointContext, HostContext, VniRange } from './driver.ts'
export { bridgeDriver } from './bridge.ts'

/** Drivers by name. */
export type Drivers = ReadonlyMap<string, Driver>

/** The drivers that come with chronet. */
export const builtinDrivers: Drivers = new Map(
  [bridgeDriver, testDriver].map((driver) => [driver.name, driver]),
)

/** A request with its options read by its driver; one of an unknown driver as it is. See {@link Driver.readOptions}. */
export const readOptions = (
  drivers: Drivers,
  request: CommandData['network.create'],
): ReturnType<Driver['readOptions']> =>
  drivers.get(request.driver)?.readOptions(request) ?? { problems: [], request }

/** Refuses the name of a driver that is not there, and tells which are. */
export function checkDriver(drivers: Drivers, name: string): readonly Problem[] {
  if (drivers.has(name)) return []
  return [
    {
      code: 'ERR_DRIVER_UNKNOWN',
      field: 'driver',
      message: `there is no driver '${name}'; there is: ${[...drivers.keys()].join(', ')}`,
    },
  ]
}
