/**
 * Claims of one host: before a turn that needs some, beside it (the next block), and after it (what is not used is given up). The
 * engine asks by its own interface, the log says what this host has, and the servers say who was first.
 */
import type {
  ClientCommand,
  ClusterJoined,
  Command,
  CommandId,
  NetworkId,
  Problem,
} from '../../../events/index.ts'
import { EngineError, RefusedError } from '../../../events/index.ts'
import { ownBlocks, type NetworkView, type Projections } from '../../../projections/index.ts'
import { Alarms } from '../../engine/alarms.ts'
import type { Ahead, Claims, Prepared } from '../../engine/claims.ts'
import { resolveNetwork } from '../../engine/resolve.ts'
import { aheadOf } from './ahead.ts'
import { lacksOf } from './blocks.ts'
import { elsewhere, inTheWay } from './elsewhere.ts'
import { evict, evictOnTrial } from './eviction.ts'
import { Flight } from './flight.ts'
import type { ClaimHome } from './home.ts'
import { Keeper } from './keeper.ts'
import { hasClaims, leave, leaveOnTrial } from './leaving.ts'
import { asTrial, claimNetwork } from './networks.ts'
import { claimsReport, type ClaimsReport } from './report.ts'
import { ClaimSession } from './session.ts'
import { findShared, isShared, type SharedNetwork } from './shared.ts'
import { networkKey } from './subjects.ts'
import { Supply, type For } from './supply.ts'
import { claimVip, mustBeFirst, vipOnTrial } from './vips.ts'

/** How often the servers are asked whether they still have what was read, in milliseconds. */
const AUDIT_MS = 15_000
/** How long whoever asks how claims stand waits for the first connection, in milliseconds. */
const TELL_MS = 1000

export class Claimant implements Claims {
  readonly #alarms: Alarms
  #aligned: Promise<void> = Promise.resolve()
  readonly #flight = new Flight()
  readonly #home: ClaimHome
  #isOver = false
  readonly #keeper: Keeper
  #session: ClaimSession | undefined
  readonly #supply: Supply

  constructor(home: ClaimHome) {
    this.#home = home
    this.#alarms = new Alarms(home.ports.timers)
    this.#supply = new Supply(home, this.#flight)
    this.#keeper = new Keeper(home, () => this.#session, this.#flight)
  }

  /** Where claims are made; undefined: this host is alone. */
  get session(): ClaimSession | undefined {
    return this.#session
  }

  /** Claims from now on where the log says that this host is; null: nowhere. */
  align(member: ClusterJoined['data'] | null): Promise<void> {
    return (this.#aligned = this.#aligned.then(async () => {
      await this.#session?.close()
      this.#session = member === null || this.#isOver ? undefined : this.#begin(member)
      if (this.#session !== undefined) this.#auditLater(this.#session)
    }))
  }

  async close(): Promise<void> {
    this.#isOver = true
    this.#alarms.clear()
    await this.align(null)
    await this.#keeper.close()
    await this.#supply.idle()
  }

  /** Addresses of networks were given. */
  onGiven(networks: Iterable<NetworkId>): void {
    if (this.#session !== undefined) for (const id of networks) this.#supply.top(this.#session, id)
  }

  /** Networks are gone. */
  onGone(): void {
    this.#keeper.ring()
  }

  /** Addresses may be held no more: what was lent of them goes back. */
  onFreed(): void {
    if (this.#home.decided().claims.borrowed.size > 0) this.#keeper.ring()
  }

  needs(command: ClientCommand): boolean {
    if (this.#session === undefined) return false
    switch (command.type) {
      case 'cluster.evict':
        return true
      case 'cluster.leave':
        return command.data.keep !== true && hasClaims(this.#home.decided())
      case 'network.create':
        return (
          this.#home.drivers.get(command.data.driver)?.scope === 'cluster' ||
          this.#elsewhere(command) !== undefined
        )
      case 'network.delete':
        return (
          this.#local(command.data.network)?.claim?.owner === this.#home.origin ||
          this.#elsewhere(command) !== undefined
        )
      case 'vip.create':
        return true
      case 'connect':
      case 'endpoint.create': {
        const network = this.#local(command.data.network)
        if (network === undefined) return true
        return network.claim !== undefined && lacksOf(this.#home.decided(), network, command.data).length > 0
      }
      default:
        return false
    }
  }

  async prepare(command: ClientCommand, id: CommandId): Promise<Prepared> {
    const { claiming, land } = this.#flight.begin()
    const done = (): void => {
      if (land()) this.#keeper.ring()
    }
    try {
      return { command: await this.#prepared(command, { by: id, claiming }), done }
    } catch (error) {
      done()
      throw error
    }
  }

  ahead(command: ClientCommand): Ahead {
    return this.#session === undefined ? { commands: [] } : aheadOf(this.#session, this.#home, command)
  }

  forTrial(command: ClientCommand): ClientCommand {
    if (!this.needs(command)) return command
    this.#mustBeOurs(command)
    if (command.type === 'network.create') return asTrial(command, this.#session)
    if (command.type === 'vip.create') {
      const network = this.#local(command.data.network)
      const register = this.#session?.register
      return network?.claim && register ? vipOnTrial(register, network, command) : command
    }
    if (command.type === 'cluster.leave') return leaveOnTrial(command, this.#home.decided())
    return command.type === 'cluster.evict' ? evictOnTrial(command) : command
  }

  async report(): Promise<ClaimsReport> {
    await this.#session?.tried(TELL_MS)
    const projections = this.#home.decided()
    return claimsReport({
      origin: this.#home.origin,
      projections,
      session: this.#session,
    })
  }

  async #prepared(command: ClientCommand, who: For): Promise<ClientCommand> {
    const session = this.#session
    if (session === undefined) return command
    this.#mustBeOurs(command)
    switch (command.type) {
      case 'cluster.evict':
        return evict(session, this.#home, command, who.by)
      case 'cluster.leave':
        return leave(session, this.#home, command, { by: who.by, giveUp: () => this.#keeper.round() })
      case 'network.create': {
        const trial = (tried: Command<'network.create'>) => this.#home.trial(tried, who.by)
        const { vnis } = this.#home.drivers.get(command.data.driver) ?? {}
        return claimNetwork(session, command, { ...who, hash: this.#home.ports.hash, trial, vnis })
      }
      case 'vip.create': {
        const network = await this.#localOrAdopted(session, command.data.network)
        // What the turn will refuse is not claimed.
        const isThere = network?.vips?.some(({ name }) => name === command.data.name)
        if (network?.claim === undefined || isThere === true) return command
        await session.within(async (register) => {
          this.#home.trial(vipOnTrial(register, network, command), who.by)
        })
        const claimed = await session.within((register) => claimVip(register, network, command, who))
        await mustBeFirst(session, network, claimed, who.by)
        // As with a first block: whoever made the network may have ended it before it saw that somebody is on it.
        if (!isUserOf(this.#home.decided(), network))
          await session.within((register) => this.#supply.mustBeThere(register, network))
        return claimed
      }
      case 'network.delete':
        this.#mustBeUnused(session, this.#local(command.data.network))
        return command
      case 'connect':
      case 'endpoint.create': {
        const network = await this.#localOrAdopted(session, command.data.network)
        const lacks = network === undefined ? [] : lacksOf(this.#home.decided(), network, command.data)
        if (network?.claim !== undefined)
          for (const lack of lacks) await this.#supply.get(session, network, lack, who)
        return command
      }
      default:
        return command
    }
  }

  #elsewhere(command: ClientCommand): SharedNetwork | undefined {
    return elsewhere(command, this.#session?.table, this.#home)
  }

  /** @throws {RefusedError} ERR_EXISTS, ERR_NOT_FOUND: it is of {@link elsewhere} */
  #mustBeOurs(command: ClientCommand): void {
    const shared = this.#elsewhere(command)
    if (shared !== undefined) throw inTheWay(command, shared)
  }

  #begin({ host, ...access }: ClusterJoined['data']): ClaimSession {
    const session: ClaimSession = new ClaimSession(access, host, this.#home, {
      onNews: (keys) => {
        if (keys.some((key) => this.#concerns(key))) this.#keeper.ring()
      },
      onReady: () => this.#keeper.ring(),
    })
    return session
  }

  /** Whether it may be that something of this host stands otherwise: also what keeps it from giving up a pool. */
  #concerns(key: string): boolean {
    if (key.startsWith('host.')) return key.endsWith(this.#home.origin)
    const head = this.#session?.register?.table.head(key)
    if (head?.by === this.#home.origin || head?.lender?.origin === this.#home.origin) return true
    const { grants } = this.#home.decided().claims
    const [kind, network] = key.split('.')
    return (
      grants.has(key) || (kind === 'block' && [...grants.values()].some((grant) => grant.network === network))
    )
  }

  /**
   * From time to time, as long as there is this session: a round that could not be ended is begun again, and a stream that lost
   * something without a word is read again, so that what was lost is missed.
   */
  #auditLater(session: ClaimSession): void {
    if (this.#isOver || this.#session !== session) return
    this.#alarms.after(AUDIT_MS, () => void this.#audit(session).finally(() => this.#auditLater(session)))
  }

  async #audit(session: ClaimSession): Promise<void> {
    // Who may not claim now, or has just begun to read, is looked at the next time.
    if (this.#session !== session || session.register === undefined) return
    const { grants, lent } = this.#home.decided().claims
    try {
      await session.within(async (register) => {
        if (await register.isWhole([...grants.keys(), ...lent.keys()])) return
        throw new EngineError(
          'ERR_CLUSTER_UNAVAILABLE',
          "the cluster's servers lost claims: all are read again",
        )
      })
    } catch {
      // The session is over, and says why: the next one begins with a round.
      return
    }
    this.#keeper.ring()
  }

  /** A network that another host made becomes one of this host, too. */
  async #adopt(session: ClaimSession, ref: string): Promise<NetworkView | undefined> {
    const shared = await session.within(async (register) => {
      const known = findShared(register.table, ref)
      if (known !== undefined) return known
      // It may have been made a moment ago: the servers know it before we hear of it.
      const head = await register.look(networkKey(this.#home.ports.hash, ref))
      return head !== undefined && isShared(head) ? head : undefined
    })
    // What is this host's by the servers and not by its log was claimed and never used: it is given up.
    if (shared === undefined || shared.by === this.#home.origin) return undefined
    const { by: owner, definition, network, seq } = shared
    await this.#home.own('network.adopt', { claim: { owner, seq }, definition })
    return this.#home.decided().topology.networks.get(network)
  }

  /** Who made a network ends it for all: not as long as others are on it. Cut off, this is looked at when its pools are given up. */
  #mustBeUnused(session: ClaimSession, network: NetworkView | undefined): void {
    const { register } = session
    if (network === undefined || register === undefined) return
    const hosts = register.usersElsewhere(network.id).map(({ host }) => host)
    if (hosts.length === 0) return
    const problem: Problem = {
      code: 'ERR_IN_USE',
      field: 'network',
      holder: network.id,
      message: `network '${network.name}' is used by ${[...new Set(hosts)].sort().join(', ')}; delete it there first ('chronet network rm ${network.name}')`,
    }
    throw new RefusedError([problem])
  }

  async #localOrAdopted(session: ClaimSession, ref: string): Promise<NetworkView | undefined> {
    return this.#local(ref) ?? (await this.#adopt(session, ref))
  }

  #local(ref: string): NetworkView | undefined {
    const resolved = resolveNetwork(this.#home.decided().topology, ref)
    return 'found' in resolved ? resolved.found : undefined
  }
}

/** Whether others know that this host is on a network. */
const isUserOf = ({ claims }: Projections, { id, subnets, vips = [] }: NetworkView): boolean =>
  vips.length > 0 || subnets.some(({ subnet }) => ownBlocks(claims, id, subnet).length > 0)
