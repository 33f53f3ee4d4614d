/** Bytes in, bytes out: what we encode is decoded as the same, and no bytes make a decoder throw. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Cidr, FirewallNetworkSpec, IfName } from '../../events/index.ts'
import { Attributes, MESSAGE_HEADER, Writer } from '../../src/kernel/linux/message.ts'
import type { Message } from '../../src/kernel/linux/netlink.ts'
import { encodeBatch } from '../../src/kernel/linux/nftables/batch.ts'
import { changesBetween } from '../../src/kernel/linux/nftables/changes.ts'
import {
  decodeChain,
  decodeElements,
  decodeMap,
  decodeRuleOf,
  decodeTable,
} from '../../src/kernel/linux/nftables/dump.ts'
import { decodeRule, encodeRule } from '../../src/kernel/linux/nftables/expressions.ts'
import {
  bridgeOfChain,
  chainName,
  draftOf,
  emptyTable,
  impose,
  rulesOf,
  wantedOf,
  type Table,
} from '../../src/kernel/linux/nftables/ruleset.ts'

const bridges = fc
  .oneof(fc.stringMatching(/^[a-z0-9_.:-]{1,15}$/), fc.string({ maxLength: 15, minLength: 1 }))
  .filter((name) => Buffer.byteLength(name) <= 15 && !/[\0/\s]/.test(name))
  .map((name) => name as IfName)

const subnets = fc.oneof(
  fc.tuple(fc.nat(255), fc.nat(32)).map(([a, length]) => `${a}.17.200.3/${length}`),
  fc.tuple(fc.nat(0xffff), fc.nat(128)).map(([a, length]) => `2001:${a.toString(16)}::1/${length}`),
) as fc.Arbitrary<Cidr>

const networks: fc.Arbitrary<FirewallNetworkSpec> = fc.record({
  bridge: bridges,
  internal: fc.boolean(),
  kind: fc.constant('firewall-network'),
  masquerade: fc.boolean(),
  subnets: fc.array(subnets, { maxLength: 4 }),
  table: fc.constant('t'),
})

const decoders: readonly ((message: Message) => unknown)[] = [
  (message) => decodeTable(message, 't'),
  (message) => decodeChain(message, 't'),
  (message) => decodeMap(message, 't'),
  (message) => decodeRuleOf(message, 't'),
  (message) => decodeElements(message),
]

const messageOf = (body: Buffer): Message => ({ body, flags: 0, portId: 0, seq: 0, type: 0 })

function tableOf(specs: readonly FirewallNetworkSpec[]): Table {
  const draft = draftOf(emptyTable('c'))
  impose(draft, wantedOf(draft, { kind: 'firewall', table: 't' }))
  for (const spec of specs) impose(draft, wantedOf(draft, spec))
  return draft
}

describe('rules', () => {
  it('are decoded as what was encoded', () => {
    fc.assert(
      fc.property(networks, fc.constantFrom('from', 'to', 'nat'), (spec, map) => {
        for (const rule of rulesOf(spec, map)) {
          const writer = new Writer().begin(0)
          encodeRule(writer, rule)
          const bytes = writer.end().bytes()
          expect(decodeRule(new Attributes(bytes, MESSAGE_HEADER))).toEqual(rule)
        }
      }),
    )
  })
})

describe('decoders', () => {
  it('never throw, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const decode of decoders) decode(messageOf(Buffer.from(bytes)))
      }),
      { numRuns: 2000 },
    )
  })

  it('never throw on messages of ours with some bytes changed', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5, minLength: 1 })
    fc.assert(
      fc.property(networks, damage, fc.nat(), (spec, changes, cut) => {
        const bytes = Buffer.from(encodeBatch('t', changesBetween(undefined, tableOf([spec])), 1).bytes())
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        for (let at = 0; at + MESSAGE_HEADER < bytes.length; at += 4) {
          const body = bytes.subarray(at, bytes.length - (cut % 8))
          for (const decode of decoders) decode(messageOf(body))
        }
      }),
      { numRuns: 20 },
    )
  })
})

describe('names', () => {
  it('of chains and bridges lead to each other, fit every kernel, and can be read by nft', () => {
    fc.assert(
      fc.property(bridges, fc.constantFrom('from', 'to', 'nat'), (bridge, map) => {
        const chain = chainName(map, bridge)
        expect(bridgeOfChain(chain)).toBe(bridge)
        expect(chain).toMatch(/^[a-z]+-[A-Za-z0-9/_.-]+$/)
        expect(Buffer.byteLength(chain)).toBeLessThanOrEqual(31)
      }),
    )
  })

  it.each(['forward', 'from-', 'to-/', 'to-/YWJj', 'nat-a-name-that-is-too-long', 'to-ä', 'foo-br0'])(
    'that are not ours are no network’s: %s',
    (chain) => {
      expect(bridgeOfChain(chain)).toBeUndefined()
    },
  )
})

describe('changes', () => {
  it('are none between equal tables', () => {
    fc.assert(
      fc.property(fc.array(networks, { maxLength: 4 }), (specs) => {
        expect(changesBetween(tableOf(specs), tableOf(specs))).toEqual([])
      }),
    )
  })
})
