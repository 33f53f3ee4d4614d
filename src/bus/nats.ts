/**
 * The bus on NATS JetStream, by the client `nats` 2.29. What client and servers do was measured; where they differ, the servers
 * count.
 *
 * A server checks for duplicates and for the expected sequence in an order that depends on its version and its replicas. So a
 * second attempt may be refused although the first was stored: whoever publishes looks at the subject's last message.
 */
import {
  connect,
  DiscardPolicy,
  ErrorCode,
  Events,
  headers,
  NatsError,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
} from 'nats'
import { EngineError } from '../../events/index.ts'
import type {
  Bus,
  BusMessage,
  BusOptions,
  BusServer,
  Outgoing,
  Published,
  StreamOptions,
  StreamState,
} from './bus.ts'
import { accessOf, whySecure } from './access.ts'
import { followStream, messageOf } from './nats-messages.ts'
import { checkServer } from './server-version.ts'

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 5000
/**
 * Three servers that have just begun, or have no leader, do not say so: they say nothing. So the first question is asked again as
 * often, in milliseconds, until an answer would be too late.
 */
const ASK_AGAIN_MS = 1000
/** How often a silent server is asked whether it is there, in milliseconds, and how often in vain before it is taken for gone. */
const PING_MS = 5000
const PINGS_MISSED_MAX = 2
/** Pause between attempts to get a lost connection back. */
const AGAIN_MS = 250
/** How long a server remembers ids of messages, in nanoseconds. */
const DUPLICATES_NS = 120e9

/**
 * A message that nobody received (503) may be sent again at once: a stream of three that has just been made has no leader yet, and
 * one that lost its leader gets another.
 */
const UNHEARD = { retries: 8, retry_delay: 250 } as const

/** Pause before servers that are not ready yet are asked again, in milliseconds. */
const NOT_READY_MS = 500
/** How often servers that have just begun may say so of themselves: ten seconds, the time in which they choose a leader. */
const NOT_READY_TIMES = 20

/** How often, and how far apart in milliseconds, a stream is looked at that has no leader yet: as long as an answer may take. */
const NO_LEADER_TIMES = 50
const NO_LEADER_MS = 100

/** Codes of JetStream's API (nats-server, server/errors.json). */
const CODE = {
  /** "JetStream system temporarily unavailable": three servers that have no leader yet. */
  noLeader: 10008,
  noMessage: 10037,
  noReplicas: 10074,
  noStream: 10059,
  streamFull: 10077,
  wrongLast: 10071,
  wrongLastOnRace: 10164,
}

/** What says for certain that a message was not taken, of the client too. */
const REFUSALS: ReadonlySet<unknown> = new Set([
  CODE.streamFull,
  CODE.wrongLast,
  CODE.wrongLastOnRace,
  ErrorCode.MaxPayloadExceeded,
])

/** @throws {EngineError} as {@link OpenBus} says */
export async function openNatsBus(options: BusOptions, stream: StreamOptions): Promise<Bus> {
  const connection = await connect({
    ...accessOf(options),
    maxPingOut: PINGS_MISSED_MAX,
    maxReconnectAttempts: -1,
    name: 'chronet',
    pingInterval: PING_MS,
    reconnectTimeWait: AGAIN_MS,
    timeout: ANSWER_MS,
  }).catch((error: unknown) => {
    throw cannotReach(options, error)
  })
  try {
    const server = serverOf(connection)
    checkServer(server.version, options.allowLegacyServer ?? false)
    const manager = await managerOf(connection)
    // They say nothing either of a stream that another host has just made.
    await untilAnswered(() => ensureStream(manager, stream), 2)
    return new NatsBus(connection, manager, server, stream.name)
  } catch (error) {
    await connection.close()
    throw error instanceof EngineError ? error : unavailable(error)
  }
}

class NatsBus implements Bus {
  readonly disturbed: Promise<void>
  readonly server: BusServer
  readonly #client: JetStreamClient
  readonly #connection: NatsConnection
  readonly #manager: JetStreamManager
  readonly #stream: string
  /** Tells each who waits for an answer that none will come. */
  readonly #waiting = new Set<() => void>()

  constructor(connection: NatsConnection, manager: JetStreamManager, server: BusServer, stream: string) {
    this.#client = connection.jetstream({ timeout: ANSWER_MS })
    this.#connection = connection
    this.#manager = manager
    this.#stream = stream
    this.server = server
    // What the client tells of its state does not end with it.
    this.disturbed = new Promise((resolve) => {
      void this.#watch(resolve)
      void connection.closed().then(() => resolve())
    })
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  async *follow(from: number, end: Promise<void>, subject?: string): AsyncGenerator<BusMessage, void, void> {
    const closed = this.#connection.closed()
    const source = { client: this.#client, manager: this.#manager, stream: this.#stream, subject }
    try {
      yield* followStream(source, from, Promise.race([end, closed]))
    } catch (error) {
      throw unavailable(error)
    }
  }

  async last(subject: string): Promise<BusMessage | undefined> {
    try {
      const asked = this.#manager.streams.getMessage(this.#stream, { last_by_subj: subject })
      return messageOf(await this.#answer(asked))
    } catch (error) {
      if (codeOf(error) === CODE.noMessage) return undefined
      throw unavailable(error)
    }
  }

  async publish({ headers: given, id, payload, subject }: Outgoing, expect: number): Promise<Published> {
    const sent = headers()
    for (const [name, value] of Object.entries(given)) sent.set(name, value)
    try {
      const asked = this.#client.publish(subject, payload, {
        expect: { lastSubjectSequence: expect },
        headers: sent,
        msgID: id,
        ...UNHEARD,
        timeout: ANSWER_MS,
      })
      const { seq } = await this.#answer(asked)
      return { kind: 'stored', seq }
    } catch (error) {
      if (codeOf(error) === ErrorCode.PermissionsViolation) throw unavailable(error)
      const isRefused = REFUSALS.has(codeOf(error))
      return { kind: isRefused ? 'refused' : 'unknown', why: whyOf(error) }
    }
  }

  async state(): Promise<StreamState> {
    try {
      const { created, state } = await this.#answer(this.#manager.streams.info(this.#stream))
      const { bytes, first_seq: firstSeq, last_seq: lastSeq, messages } = state
      return { bytes, created, firstSeq, lastSeq, messages }
    } catch (error) {
      throw unavailable(error)
    }
  }

  async subjects(): Promise<readonly string[]> {
    try {
      const asked = this.#manager.streams.info(this.#stream, { subjects_filter: '>' })
      const { state } = await this.#answer(asked)
      return Object.keys(state.subjects ?? {}).sort()
    } catch (error) {
      throw unavailable(error)
    }
  }

  /**
   * The client looks for a lost server by itself, and whoever asked meanwhile hears nothing until it is too late for an answer: who
   * waits is told at once, and whoever has the bus, too.
   */
  async #watch(disturbed: () => void): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type !== Events.Disconnect && type !== Events.Reconnect) continue
      if (type === Events.Disconnect) for (const fail of this.#waiting) fail()
      disturbed()
    }
  }

  /** What a server answers. @throws what the client does, or that the connection was lost meanwhile */
  #answer<T>(asked: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new Error('the connection was lost'))
      this.#waiting.add(fail)
      asked.then(resolve, reject).finally(() => this.#waiting.delete(fail))
    })
  }
}

/** @throws {EngineError} ERR_SERVER_UNSUPPORTED: nobody there keeps streams */
async function managerOf(connection: NatsConnection): Promise<JetStreamManager> {
  try {
    const ask = () => connection.jetstreamManager({ timeout: ASK_AGAIN_MS })
    await untilAnswered(ask, ANSWER_MS / ASK_AGAIN_MS)
    return await connection.jetstreamManager({ checkAPI: false, timeout: ANSWER_MS })
  } catch (cause) {
    if (codeOf(cause) !== ErrorCode.NoResponders || connection.info?.jetstream === true) throw cause
    throw new EngineError(
      'ERR_SERVER_UNSUPPORTED',
      `${connection.getServer()} keeps no streams: enable JetStream in its configuration (jetstream { store_dir: … })`,
      { cause },
    )
  }
}

/** Asks so often at most as long as nobody answers, and for some seconds as long as servers say that they have no leader yet. */
async function untilAnswered<T>(ask: () => Promise<T>, times: number): Promise<T> {
  for (let [left, leftNotReady] = [times - 1, NOT_READY_TIMES]; ;) {
    try {
      return await ask()
    } catch (error) {
      const code = codeOf(error)
      if (code === CODE.noLeader && leftNotReady-- > 0)
        await new Promise((resolve) => setTimeout(resolve, NOT_READY_MS))
      else if (code !== ErrorCode.Timeout || left-- <= 0) throw error
    }
  }
}

function serverOf({ info }: NatsConnection): BusServer {
  if (info === undefined)
    throw new EngineError('ERR_CLUSTER_UNAVAILABLE', 'the server said nothing of itself')
  return { name: info.server_name, payloadMax: info.max_payload, version: info.version }
}

/** Three replicas where there are servers for it, else one. Nothing is ever deleted, and a full stream takes no more. */
async function ensureStream(manager: JetStreamManager, options: StreamOptions): Promise<void> {
  let found = await lookAt(manager, options.name)
  if (found === 'absent') await addStream(manager, options)
  // Another host may have made it a moment ago: what is asked of it before it has a leader is never answered.
  for (let left = NO_LEADER_TIMES; found !== 'led' && left > 0; left--) {
    found = await lookAt(manager, options.name)
    if (found !== 'led') await new Promise((resolve) => setTimeout(resolve, NO_LEADER_MS))
  }
}

/** Whether there is a stream, and whether somebody leads it. A server of several may not have heard of it yet. */
async function lookAt(manager: JetStreamManager, name: string): Promise<'absent' | 'leaderless' | 'led'> {
  try {
    const { cluster } = await manager.streams.info(name)
    return cluster === undefined || Boolean(cluster.leader) ? 'led' : 'leaderless'
  } catch (error) {
    if (codeOf(error) === CODE.noStream) return 'absent'
    throw error
  }
}

async function addStream(manager: JetStreamManager, { name, subjects }: StreamOptions): Promise<void> {
  const config = {
    deny_delete: true,
    deny_purge: true,
    discard: DiscardPolicy.New,
    duplicate_window: DUPLICATES_NS,
    name,
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    subjects: [subjects],
  }
  try {
    await manager.streams.add({ ...config, num_replicas: 3 })
  } catch (error) {
    if (codeOf(error) !== CODE.noReplicas) throw error
    await manager.streams.add({ ...config, num_replicas: 1 })
  }
}

/** JetStream's code if it is of that, else the client's. */
const codeOf = (error: unknown): number | string | undefined =>
  error instanceof NatsError ? (error.api_error?.err_code ?? error.code) : undefined

const whyOf = (error: unknown): string =>
  (error instanceof NatsError ? error.api_error?.description : undefined) ??
  (error instanceof Error ? error.message : String(error))

function unavailable(cause: unknown): EngineError {
  if (cause instanceof NatsError && cause.isPermissionError())
    return new EngineError(
      'ERR_NOT_PERMITTED',
      `the cluster's servers do not let this host do that (${cause.message}): give credentials that may`,
      { cause },
    )
  const why = whyOf(cause)
  return new EngineError(
    'ERR_CLUSTER_UNAVAILABLE',
    `the cluster's servers do not answer (${why}); what is local goes on`,
    { cause },
  )
}

function cannotReach(options: BusOptions, cause: unknown): EngineError {
  const { servers } = options
  const secure = whySecure(options)
  if (codeOf(cause) === ErrorCode.ServerOptionNotAvailable && secure !== undefined)
    return new EngineError(
      'ERR_CLUSTER_UNAVAILABLE',
      `the server at ${servers.join(', ')} offers no TLS, and is spoken to by TLS or not at all, since ${secure}; ` +
        'give it certificates (tls {} in its configuration), or, in a net that you trust, nats:// and no files for TLS',
      { cause, details: { servers } },
    )
  const why = whyOf(cause)
  const isRefusal = /authorization|authentication/i.test(why)
  return new EngineError(
    isRefusal ? 'ERR_NOT_PERMITTED' : 'ERR_CLUSTER_UNAVAILABLE',
    isRefusal
      ? `${servers.join(', ')} does not let us in (${why}): give credentials that may`
      : `no server answers at ${servers.join(', ')} (${why}); see that nats-server runs there, with JetStream`,
    { cause, details: { servers } },
  )
}
