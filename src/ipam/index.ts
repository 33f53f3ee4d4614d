/** Address policies: pure choices and checks over what is held. */
export { chooseAddress, checkAddress, type AddressedNetwork } from './addresses.ts'
export { chooseLocalSubnet, familiesFor, localPrefix } from './families.ts'
export { freedBy, type HeldTable } from './held.ts'
export { checkHostRoutes, needsPool, routesThatMatter } from './host-routes.ts'
export { checkIfName, IF_NAME_PREFIX, lowestIfName, type IfNameChoice } from './interfaces.ts'
export { chooseMac, checkMac, macOf } from './macs.ts'
export {
  checkHostname,
  checkName,
  IF_NAME_BYTES_MAX,
  NAME_CHARS_MAX,
  quoted,
  type NamedKind,
} from './names.ts'
export { checkSubnets, chooseSubnet, DEFAULT_SUBNETS, PREFIX_LENGTHS } from './subnets.ts'
