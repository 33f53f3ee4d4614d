/** Wants for the planner's tests, and random lives of them that keep what the machines guarantee. */
import fc from 'fast-check'
import type { Cidr, EndpointId, IfName, Ip, Mac, NetworkId, SandboxId } from '../../events/index.ts'
import {
  Table,
  type Desired,
  type EndpointWant,
  type NetworkWant,
  type Reservation,
  type SandboxWant,
} from '../../projections/index.ts'
import { builtinDrivers } from '../../src/drivers/index.ts'
import type { SpecContext } from '../../src/reconcile/specs.ts'

export const context: SpecContext = { drivers: builtinDrivers, table: 'chronet_0badcafe' }

export const nothing: Desired = {
  endpoints: Table.empty<EndpointWant>(),
  networks: Table.empty<NetworkWant>(),
  reserved: Table.empty<Reservation>(),
  sandboxes: Table.empty<SandboxWant>(),
}

export const networkWant = (n: number, internal = false): NetworkWant => ({
  bridge: { mac: `02:00:00:00:01:0${n}` as Mac, name: `cnb${n}` as IfName },
  driver: 'bridge',
  id: `network${n}` as NetworkId,
  internal,
  masquerade: true,
  mtu: 0,
  subnets: [
    { gateway: `10.0.${n}.1` as Ip, subnet: `10.0.${n}.0/24` as Cidr },
    ...(n % 2 === 0 ? [] : [{ gateway: `fd00:${n}::1` as Ip, subnet: `fd00:${n}::/64` as Cidr }]),
  ],
})

export const sandboxWant = (n: number, gateway?: EndpointId): SandboxWant => ({
  id: `sandbox${n}` as SandboxId,
  ...(gateway === undefined ? {} : { gateway, ...(n % 2 === 0 ? {} : { gateway6: gateway }) }),
})

/** Endpoint `n`'s `attempt` to join network `network` to sandbox `sandbox`. */
export const endpointWant = (n: number, network: number, sandbox: number, attempt = 1): EndpointWant => ({
  addresses: [
    `10.0.${network}.${n + 2}/24` as Cidr,
    ...(network % 2 === 0 ? [] : [`fd00:${network}::${(n + 2).toString(16)}/64` as Cidr]),
  ],
  id: `endpoint${n}` as EndpointId,
  ifName: `eth${network}` as IfName,
  link: { mac: '02:00:00:00:02:01' as Mac, name: `cnv${n}-${attempt}` as IfName },
  mac: '02:42:0a:00:00:02' as Mac,
  network: `network${network}` as NetworkId,
  priority: 0,
  sandbox: `sandbox${sandbox}` as SandboxId,
})

/** One change of wants, as a command would bring it. What is not possible is passed over. */
export type Change =
  | { readonly n: number; readonly type: 'network'; readonly internal: boolean }
  | { readonly n: number; readonly type: 'network gone' | 'sandbox' | 'sandbox gone' | 'leave' }
  | { readonly n: number; readonly network: number; readonly sandbox: number; readonly type: 'join' }

const small = fc.nat(3)

export const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.oneof(
    fc.record({ internal: fc.boolean(), n: small, type: fc.constant('network' as const) }),
    fc.record({
      n: small,
      type: fc.constantFrom('network gone', 'sandbox', 'sandbox', 'sandbox gone', 'leave'),
    }),
    fc.record({ n: fc.nat(7), network: small, sandbox: small, type: fc.constant('join' as const) }),
  ),
  { maxLength: 30 },
)

/** The wants after a change. */
export function changed(desired: Desired, change: Change, attempt: number): Desired {
  switch (change.type) {
    case 'network':
      // An id is never used twice, so no endpoint was on a network before it was there.
      if (desired.networks.has(`network${change.n}`) || isUsed(desired, `network${change.n}`)) return desired
      return {
        ...desired,
        networks: desired.networks.set(`network${change.n}`, networkWant(change.n, change.internal)),
      }
    case 'network gone':
      // With endpoints on it: their wants end later, by their own receipts.
      return { ...desired, networks: desired.networks.delete(`network${change.n}`) }
    case 'sandbox':
      if (desired.sandboxes.has(`sandbox${change.n}`)) return desired
      return { ...desired, sandboxes: desired.sandboxes.set(`sandbox${change.n}`, sandboxWant(change.n)) }
    case 'sandbox gone':
      return withoutSandbox(desired, `sandbox${change.n}`)
    case 'join':
      return joined(desired, change, attempt)
    case 'leave': {
      const want = desired.endpoints.get(`endpoint${change.n}`)
      if (!want) return desired
      return routed({ ...desired, endpoints: desired.endpoints.delete(want.id) }, want.sandbox)
    }
  }
}

const isUsed = (desired: Desired, network: string): boolean =>
  [...desired.endpoints.values()].some((want) => want.network === network)

function joined(desired: Desired, change: Change & { type: 'join' }, attempt: number): Desired {
  const want = endpointWant(change.n, change.network, change.sandbox, attempt)
  const possible =
    desired.networks.has(want.network) &&
    desired.sandboxes.has(want.sandbox) &&
    !desired.endpoints.has(want.id) &&
    ![...desired.endpoints.values()].some((e) => e.sandbox === want.sandbox && e.network === want.network)
  if (!possible) return desired
  return routed({ ...desired, endpoints: desired.endpoints.set(want.id, want) }, want.sandbox)
}

function withoutSandbox(desired: Desired, sandbox: string): Desired {
  let { endpoints } = desired
  for (const want of desired.endpoints.values())
    if (want.sandbox === sandbox) endpoints = endpoints.delete(want.id)
  return { ...desired, endpoints, sandboxes: desired.sandboxes.delete(sandbox) }
}

/** Elects the gateway of a sandbox anew: the endpoint with the least id. */
function routed(desired: Desired, sandbox: SandboxId): Desired {
  const [gateway] = [...desired.endpoints.values()]
    .filter((e) => e.sandbox === sandbox)
    .map((e) => e.id)
    .sort()
  const want = sandboxWant(Number(sandbox.slice('sandbox'.length)), gateway)
  return { ...desired, sandboxes: desired.sandboxes.set(sandbox, want) }
}
