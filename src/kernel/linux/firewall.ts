/**
 * What the port asks of the firewall (`nftables/`): the specs `firewall` and `firewall-network` are its own, the port
 * passes them through and merges the answers. Only types: so the two sides can be read, and tested, alone.
 */
import type { Origin, ResourceKey, Spec, Step } from '../../../events/index.ts'
import type { Found, Hint, Stray, StepResult } from '../kernel.ts'
import type { NetlinkSocket } from './netlink.ts'

/** Opens a NETLINK_NETFILTER socket in the namespace taken as the host. `groups`: as NFNLGRP_NFTABLES = 7. */
export type OpenFirewallSocket = (options?: { readonly groups?: readonly number[] }) => Promise<NetlinkSocket>

export type FirewallOptions = { readonly openSocket: OpenFirewallSocket; readonly origin: Origin }

export interface Firewall {
  /** Only steps of `firewall` and `firewall-network`, in order; one result each. Needs among them are its to obey. */
  apply(steps: readonly Step[]): readonly StepResult[] | Promise<readonly StepResult[]>
  close(): void
  /** Only those specs. `strays`: also what is in our table and was not asked for, the table itself included. */
  observe(specs: readonly Spec[], strays: boolean): FirewallObservation | Promise<FirewallObservation>
  /** Calls back when our table, or the whole ruleset, may have changed. Returns the end of it. */
  onHint(listener: (hint: Hint) => void): () => void
}

export type FirewallObservation = {
  readonly found: ReadonlyMap<ResourceKey, Found>
  readonly strays: readonly Stray[]
}

export type OpenFirewall = (options: FirewallOptions) => Promise<Firewall>
