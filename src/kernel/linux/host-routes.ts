/**
 * Where the host's packets go without us: what a new network must not hide. From two dumps; links of ours that are
 * remembered are not looked up.
 */
import { cidrFrom, formatCidr, networkOf } from '../../../events/address.ts'
import type { Cidr, HostRoute } from '../../../events/index.ts'
import type { Context } from './context.ts'

/** Routes of the main table, and the subnets of addresses: a link that is down has no routes yet. */
export function hostRoutes({ mark, namespaces: { host } }: Context): readonly HostRoute[] {
  const names = new Map<number, string | undefined>()
  const strangerAt = (index: number): string | undefined => {
    if (names.has(index)) return names.get(index)
    const link = host.nameOf(index) === undefined ? host.find(index) : undefined
    const name = link === undefined || mark.isOurs(link) ? undefined : link.name
    names.set(index, name)
    return name
  }
  const found = new Map<string, HostRoute>()
  const add = (dst: Cidr, index: number): void => {
    const link = strangerAt(index)
    if (link !== undefined) found.set(`${dst} ${link}`, { dst, link })
  }
  for (const { dst, index } of host.routes()) add(dst, index)
  for (const { address, index } of host.addresses()) add(formatCidr(networkOf(cidrFrom(address))), index)
  return [...found.values()]
}
