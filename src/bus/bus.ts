/**
 * The bus port: what chronet asks of a message system that keeps a stream for all hosts. Real: NATS JetStream (`nats.ts`);
 * simulated: `src/simulator/bus.ts`. One contract suite is run on both.
 *
 * A bus arbitrates: a message is published to its subject only if the subject's last message is the one that the publisher
 * names. It is not the only copy of anything, and it may lose what it acknowledged: who publishes has it in a log.
 */

/** A message that is in the stream. */
export type BusMessage = {
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** As its publisher chose it: the same message has the same id. */
  readonly id: string
  readonly payload: Uint8Array
  /** Its number in the stream, from 1, over all subjects; numbers may be missing. */
  readonly seq: number
  readonly subject: string
}

/** A message to be published. Header names are in lower case. */
export type Outgoing = Omit<BusMessage, 'seq'>

/**
 * What came of publishing. `refused`: the subject's last message was another than expected, or the stream takes no more (`why`).
 * `unknown`: nobody knows whether it is in the stream; read the subject's last message, and publish again what is not.
 */
export type Published =
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'stored'; readonly seq: number }
  | { readonly kind: 'unknown'; readonly why: string }

/** What is known of the stream. Another `created` is another stream: numbers of the old one mean nothing. */
export type StreamState = {
  readonly bytes: number
  readonly created: string
  /** 0: it is empty. */
  readonly firstSeq: number
  readonly lastSeq: number
  readonly messages: number
}

/** Who answers. */
export type BusServer = {
  readonly name: string
  /** Largest message in bytes, headers included. */
  readonly payloadMax: number
  readonly version: string
}

/** The one stream that a bus is opened for. */
export interface Bus {
  /** Lets go; what follows ends. */
  close(): Promise<void>
  /** Settles when the connection was lost, at the latest when it is there again, or is closed: what was believed of the stream must be looked at anew. */
  readonly disturbed: Promise<void>
  /**
   * Every message from a number on, in order, then live, until `end` settles or the bus is closed.
   * @param subject only its messages; absent: those of all
   * @throws {EngineError} ERR_CLUSTER_UNAVAILABLE while iterating: look at the stream and begin again
   */
  follow(from: number, end: Promise<void>, subject?: string): AsyncIterable<BusMessage>
  /** The last message of a subject, as the stream's leader has it; undefined: none. @throws {EngineError} ERR_CLUSTER_UNAVAILABLE */
  last(subject: string): Promise<BusMessage | undefined>
  /** @param expect number of the subject's last message; 0: it has none @throws {EngineError} ERR_NOT_PERMITTED: never on this subject */
  publish(message: Outgoing, expect: number): Promise<Published>
  readonly server: BusServer
  /** @throws {EngineError} ERR_CLUSTER_UNAVAILABLE */
  state(): Promise<StreamState>
  /** The subjects that have messages, in order. @throws {EngineError} ERR_CLUSTER_UNAVAILABLE */
  subjects(): Promise<readonly string[]>
}

/** Where the servers are and how they know us. Files are named, not read into the log: it holds no secret. */
export type BusOptions = {
  /** Uses servers older than {@link SERVER_VERSION_MIN}: on several of them, claims may be granted twice. */
  readonly allowLegacyServer?: boolean
  /** PEM file of the authority that servers' certificates come from. */
  readonly ca?: string
  /** PEM file of the client's certificate, with `key`. */
  readonly certificate?: string
  /** File of NATS credentials (JWT and seed). */
  readonly credentials?: string
  /** PEM file of the client certificate's key. */
  readonly key?: string
  /** `nats://host:port`, or `tls://…`: if one of them is that, none is spoken to without. */
  readonly servers: readonly string[]
}

/** The stream that a bus is opened for: made there if it is missing. */
export type StreamOptions = {
  /** `CHRONET_LOG`. */
  readonly name: string
  /** `chronet.log.*`. */
  readonly subjects: string
}

/** @throws {EngineError} ERR_CLUSTER_UNAVAILABLE, ERR_SERVER_UNSUPPORTED, ERR_NOT_PERMITTED */
export type OpenBus = (options: BusOptions, stream: StreamOptions) => Promise<Bus>

/** Below it, replicas of a stream could disagree on who won a subject (nats-server PR 6194). */
export const SERVER_VERSION_MIN = '2.11.0'
