/** A supply of blocks: one for a command that lacks it, and the next one before this one is used up. */
import type { ClaimGranted, CommandId, NetworkId } from '../../../events/index.ts'
import { EngineError, RefusedError } from '../../../events/index.ts'
import { ownBlocks, poolKey, type NetworkView } from '../../../projections/index.ts'
import { claimBlock, roomOf, type Lack } from './blocks.ts'
import { borrow } from './borrowing.ts'
import type { Flight } from './flight.ts'
import type { ClaimHome } from './home.ts'
import type { Register } from './register.ts'
import type { ClaimSession } from './session.ts'
import { networkKey } from './subjects.ts'

/** Below this part of free addresses the next block is claimed. */
const AHEAD_BELOW = 0.25

/** Who claims a block or an address, and hears of its key before. */
export type For = { readonly by: CommandId; readonly claiming: (key: string) => void }

export class Supply {
  /** By pool: a block that nobody waits for yet. */
  readonly #ahead = new Map<string, Promise<void>>()
  readonly #flight: Flight
  readonly #home: ClaimHome

  constructor(home: ClaimHome, flight: Flight) {
    this.#flight = flight
    this.#home = home
  }

  /** Gets what is lacking, durable in the log. @throws {RefusedError}; @throws {EngineError} ERR_CLUSTER_UNAVAILABLE */
  async get(session: ClaimSession, network: NetworkView, lack: Lack, who: For): Promise<void> {
    // One may be on its way already.
    await this.#ahead.get(poolKey(network.id, lack.pool.subnet))
    if (lack.asked === undefined && roomOf(this.#home.decided(), network.id, lack.pool).free > 0) return
    await this.#claim(session, network, lack, who)
  }

  /** Claims the next block of each pool of a network that is nearly used up. Nobody waits for it. */
  top(session: ClaimSession, id: NetworkId): void {
    const projections = this.#home.decided()
    const network = projections.topology.networks.get(id)
    if (session.register === undefined || network?.claim === undefined) return
    for (const pool of network.subnets) {
      const key = poolKey(id, pool.subnet)
      const { free, size } = roomOf(projections, id, pool)
      if (this.#ahead.has(key) || size === 0 || free >= size * AHEAD_BELOW) continue
      const getting = this.#getAhead(session, network, { pool }).finally(() => this.#ahead.delete(key))
      this.#ahead.set(key, getting)
    }
  }

  async idle(): Promise<void> {
    await Promise.all(this.#ahead.values())
  }

  async #getAhead(session: ClaimSession, network: NetworkView, lack: Lack): Promise<void> {
    const { claiming, land } = this.#flight.begin()
    try {
      await this.#claim(session, network, lack, { by: this.#home.ports.ids.commandId(), claiming })
    } catch (error) {
      // Whoever needs it will hear why there is none.
      if (!(error instanceof EngineError)) this.#home.report(error)
    } finally {
      land()
    }
  }

  async #claim(session: ClaimSession, network: NetworkView, lack: Lack, who: For): Promise<void> {
    const isFirst = ownBlocks(this.#home.decided().claims, network.id, lack.pool.subnet).length === 0
    const got = await session.within((register) => claimBlock(register, network, lack, who))
    const { asked } = lack
    const granted =
      'stream' in got || asked === undefined
        ? (got as ClaimGranted['data'])
        : await borrow(session, network, { ...lack, asked }, { ...who, owner: got })
    // Whoever made the network may have ended it before it saw this block: then the block is nobody's, and is given up again.
    if (isFirst) await session.within((register) => this.mustBeThere(register, network))
    await this.#home.own('claims.record', { granted: [granted] })
  }

  /** @throws {RefusedError} ERR_NOT_FOUND: whoever made the network has ended it */
  async mustBeThere(register: Register, { id, name }: NetworkView): Promise<void> {
    const head = await register.look(networkKey(this.#home.ports.hash, name))
    if (head?.network === id && head.restsUntil === undefined) return
    const message = `network '${name}' was ended in the cluster; delete it here, too ('chronet network rm')`
    throw new RefusedError([{ code: 'ERR_NOT_FOUND', field: 'network', holder: id, message }])
  }
}
