/**
 * What the demo's story needs of the world it plays in: places to stand and try from, somebody who breaks things behind
 * chronet's back, and a look at the kernel that does not go through chronet. `linux-stage.ts` is the real kernel,
 * `simulated-stage.ts` the simulated one.
 */
import type { ControllerOptions } from '../index.ts'

/** What echo requests came to. */
export type Pings = {
  readonly replies: number
  /** The mean of those that were answered, in milliseconds. */
  readonly roundTripMs: number
  readonly sent: number
}

/** What a TCP connection came to. */
export type Visit = {
  readonly ms: number
  /** What the host saw as the source, or an errno's name: `ETIMEDOUT`, no answer came. */
  readonly said: string
}

/** A network namespace with somebody in it. */
export interface Place {
  /** Of an interface, with prefix lengths. */
  addresses(ifName: string): Promise<readonly string[]>
  /** Answers everybody who comes to the port with the address that it came from. */
  listen(port: number): Promise<void>
  ping(address: string, count: number): Promise<Pings>
  visit(address: string, port: number, patienceMs: number): Promise<Visit>
}

/** A namespace that is no business of chronet's, at the other end of a link of the host's. */
export type Outside = {
  readonly address: string
  /** The host's address on the link, which packets from behind it should bear. */
  readonly host: string
  readonly place: Place
}

export interface Stage {
  /** Deletes what the demo made in kernel and on disk. Synchronous, so that it can be the last thing before an exit. */
  cleanUp(): void
  /** Takes the outside away. */
  closeOutside(): void
  /** Somebody deletes a link of the host, not knowing of chronet. */
  deleteLink(name: string): Promise<void>
  /** A link of the host, in words: `bridge cnb5e1f0a93c2d4 up, 172.18.0.1/16`. */
  describeLink(name: string): string
  /** Where chronet is to work, as options of `createController`. */
  readonly engine: Pick<ControllerOptions, 'dataDir' | 'ports' | 'runDir'>
  /** Puts somebody into a namespace. */
  enter(netns: string): Promise<Place>
  /** Somebody empties the firewall: all tables, whoever's. */
  flushFirewall(): Promise<void>
  /** Somebody on the host itself. */
  readonly host: Place
  /**
   * All that is on the host: links, addresses, routes, nft tables, mounted namespaces. Sorted; a line each. Without sysctls:
   * they are shared with the whole host, and chronet never puts one back (`SysctlSpec`).
   */
  inventory(): readonly string[]
  /**
   * Starts an engine of its own on the data directory, has it connect, and kills it when the intent is on disk and the
   * link is made, but nothing else is. @returns the signal that ended it
   */
  killInAttach(network: string, sandbox: string): Promise<string>
  /** What of it bears an engine's mark, in the same form. */
  marked(origin: string): readonly string[]
  /** A namespace as the kernel names it: `net:[4026532281]`. */
  namespaceAt(path: string): string
  openOutside(): Promise<Outside>
  /** For the title: which kernel, and why nothing can come to harm. */
  readonly where: string
}
