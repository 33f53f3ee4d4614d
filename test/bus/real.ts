/** Real servers for the contract: one, or three that are one. */
import { connect, type JetStreamManager } from 'nats'
import type { Bus, StreamOptions } from '../../src/bus/bus.ts'
import { openNatsBus } from '../../src/bus/nats.ts'
import type { Lab } from './contract.ts'
import { NatsServer } from './server.ts'

export class RealLab implements Lab {
  readonly servers: readonly NatsServer[]

  private constructor(servers: readonly NatsServer[]) {
    this.servers = servers
  }

  static async start(program: string, count: 1 | 3): Promise<RealLab> {
    return new RealLab(
      count === 1 ? [await NatsServer.start({ program })] : await NatsServer.startThree({ program }),
    )
  }

  async fill({ name }: StreamOptions): Promise<void> {
    await this.#manage(async ({ streams }) => {
      const { config, state } = await streams.info(name)
      await streams.update(name, { ...config, max_msgs: state.messages })
    })
  }

  async lose(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill()))
  }

  open(stream: StreamOptions): Promise<Bus> {
    return openNatsBus({ allowLegacyServer: true, servers: this.#urls }, stream)
  }

  async regain(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.restart()))
  }

  async remake({ name }: StreamOptions): Promise<void> {
    await this.#manage(async ({ streams }) => {
      const { config } = await streams.info(name)
      await streams.delete(name)
      await streams.add(config)
    })
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms))
  }

  async tearDown(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.remove()))
  }

  get #urls(): readonly string[] {
    return this.servers.map(({ url }) => url)
  }

  async #manage(work: (manager: JetStreamManager) => Promise<void>): Promise<void> {
    const connection = await connect({ servers: [...this.#urls] })
    await work(await connection.jetstreamManager()).finally(() => connection.close())
  }
}
