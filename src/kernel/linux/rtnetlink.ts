/**
 * Numbers of rtnetlink that more than one file here needs, named as in linux/rtnetlink.h, linux/if_link.h and
 * linux/if.h, and the one address codec: our text to bytes on the wire and back.
 */
import { formatIp, ipFrom } from '../../../events/address.ts'
import type { Ip, Mac } from '../../../events/index.ts'

export const RTM_NEWLINK = 16
export const RTM_DELLINK = 17
export const RTM_GETLINK = 18
export const RTM_SETLINK = 19
export const RTM_NEWADDR = 20
export const RTM_DELADDR = 21
export const RTM_GETADDR = 22
export const RTM_NEWROUTE = 24
export const RTM_DELROUTE = 25
export const RTM_GETROUTE = 26

export const AF_UNSPEC = 0
export const AF_INET = 2
export const AF_BRIDGE = 7
export const AF_INET6 = 10

/** Multicast groups: links, addresses and routes of both families. */
export const RTNLGRP_ALL = [1, 5, 7, 9, 11]

export const IFF_UP = 1

/** An address as bytes in network order. */
export function ipBytes(ip: Ip): Buffer {
  const address = ipFrom(ip)
  if (address.family === 4) {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(address.value)
    return bytes
  }
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64BE(address.value >> 64n)
  bytes.writeBigUInt64BE(address.value & 0xffffffffffffffffn, 8)
  return bytes
}

/** Canonical text of 4 or 16 bytes. */
export function ipText(bytes: Buffer): Ip {
  if (bytes.length === 4) return formatIp({ family: 4, value: bytes.readUInt32BE() })
  return formatIp({ family: 6, value: (bytes.readBigUInt64BE() << 64n) | bytes.readBigUInt64BE(8) })
}

/** The address family of a text with or without prefix length. */
export const familyNumber = (text: string): number => (text.includes(':') ? AF_INET6 : AF_INET)

/** Six bytes of a MAC. */
export const macBytes = (mac: Mac): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex')

/** Text of a hardware address. */
export const macText = (bytes: Buffer): Mac => (bytes.toString('hex').match(/../g) ?? []).join(':') as Mac
