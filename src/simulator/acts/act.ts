/**
 * Acts: everything that befalls a world, by name and with all that it needs. A seed draws acts; a tape of them plays without
 * any draw, so a failure can be made smaller act by act, and is still one in a later version.
 */
import type { Chance } from '../chance.ts'
import type { Clients } from '../clients.ts'
import type { Host } from '../host.ts'
import type { World } from '../world.ts'

/** What an act is done to. */
export type Scene = {
  /** What is undone when the world heals: what engines may not mend, or cannot. */
  readonly atHeal: (undo: () => void) => void
  readonly clients: Clients
  /** Hosts that somebody has cloned, and the machine on which the copy runs: two that speak for one. */
  readonly copied: Map<Host, Host>
  /** What a host has been through that lets an acknowledged commit be gone, and rightly. */
  readonly excuses: Map<Host, string>
  readonly host: Host
  /** An engine that is dead runs again, so many milliseconds from now. */
  readonly revive: (host: Host, afterMs: number, options?: { readonly acceptLogBehind?: boolean }) => void
  /** Something later, unless the world heals first. */
  readonly later: (ms: number, run: () => void) => void
  readonly world: World
}

/** How a kind of act is drawn and done. Data is JSON. */
export type ActKindOf<D extends object> = {
  /** What it needs, or undefined: there is nothing to do it to. Never changes anything. */
  readonly draw: (chance: Chance, scene: Scene) => D | undefined
  /** Mean time between two of them on a host, in milliseconds, where the climate has them. */
  readonly everyMs: number
  readonly perform: (scene: Scene, data: D) => void
}

/** For type inference; the kinds' data differ. */
export const act = <D extends object>(kind: ActKindOf<D>): ActKindOf<D> => kind

/** A minute, in milliseconds. */
export const MINUTE = 60_000
