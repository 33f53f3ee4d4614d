/**
 * MACs of endpoints. One that nobody asked for follows from the address, so that an address keeps its MAC whoever has it,
 * and neighbours need not learn anew: 02:42, as Docker's, then the four bytes of the IPv4 address, or the last four of an
 * IPv6 one.
 */
import { ipFrom, type Ip, type Mac, type Problem } from '../../events/index.ts'
import type { Allocations } from '../../projections/index.ts'
import type { AddressedNetwork } from './addresses.ts'
import { freedBy, heldFields, heldSince } from './held.ts'
import { quoted } from './names.ts'

/** Second byte of the MACs that are made from addresses. */
const SECOND_BYTE = 0x42

/** The MAC that an address has by itself. */
export const macOf = (ip: Ip): Mac => macWith(SECOND_BYTE, ip)

/**
 * The MAC for an endpoint with this address: its own, or if somebody on the network asked for just that one, the next by
 * the second byte.
 */
export function chooseMac(allocations: Allocations, network: AddressedNetwork, ip: Ip): Mac {
  for (let byte = SECOND_BYTE; byte <= 0xff; byte++) {
    const mac = macWith(byte, ip)
    if (!allocations.macs.has(`${network.id}/${mac}`)) return mac
  }
  // Nobody asks for 190 such MACs; should it be so, the endpoint shares one.
  return macOf(ip)
}

/** A MAC that was asked for, in canonical text, if it is one for an interface and free on the network. */
export function checkMac(
  allocations: Allocations,
  network: AddressedNetwork,
  text: string,
): { readonly mac: Mac } | { readonly problem: Problem } {
  const why = whyNoMac(text)
  if (why !== undefined)
    return { problem: { code: 'ERR_INVALID', field: 'mac', message: `MAC ${quoted(text)}: ${why}` } }
  const mac = text.toLowerCase() as Mac
  const key = `${network.id}/${mac}`
  const hold = allocations.macs.get(key)
  if (!hold) return { mac }
  const until = freedBy(allocations, 'macs', key)
  return {
    problem: {
      code: 'ERR_ADDRESS_TAKEN',
      field: 'mac',
      message: `MAC ${mac} on network '${network.name}' ${heldSince(hold, until, 'take another, or leave it open')}`,
      ...heldFields(hold, until),
    },
  }
}

/** IEEE 802-2014 §8: the lowest bit of the first byte tells a group, which no interface can be. */
function whyNoMac(text: string): string | undefined {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text))
    return 'a MAC is six pairs of hexadecimal digits with colons, as in 02:42:0a:00:03:07'
  if (/^[0:]+$/.test(text)) return 'an interface cannot have the MAC of all zeros'
  if (parseInt(text.slice(0, 2), 16) % 2 === 1)
    return 'it is a group address (its first byte is odd), which no interface can have; take an even first byte, as 02'
  return undefined
}

function macWith(secondByte: number, ip: Ip): Mac {
  const { family, value } = ipFrom(ip)
  const low = family === 4 ? value : Number(value & 0xffff_ffffn)
  const bytes = [secondByte, low >>> 24, (low >>> 16) & 255, (low >>> 8) & 255, low & 255]
  let mac = '02'
  for (const byte of bytes) mac += byte < 16 ? `:0${byte.toString(16)}` : `:${byte.toString(16)}`
  return mac as Mac
}
