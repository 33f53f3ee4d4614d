/** A bus to a stream in memory, at once and in real time: for what uses a real disk. */
import { EngineError } from '../../events/index.ts'
import type { Bus, BusMessage, OpenBus } from '../../src/bus/bus.ts'
import { SimulatedStream } from '../../src/simulator/stream.ts'

const LOOK_MS = 2

export class MemoryServers {
  isReachable = true
  payloadMax = 1 << 20
  readonly stream = new SimulatedStream('stream 1', {
    looksFirstAt: 'expectation',
    nowMs: () => performance.now(),
  })

  readonly openBus: OpenBus = async () => {
    this.#mustBeReached()
    return this.#bus()
  }

  #bus(): Bus {
    let isClosed = false
    let close = (): void => undefined
    const closed = new Promise<void>((resolve) => (close = resolve))
    const follow = this.#follow.bind(this)
    const asked = async <T>(value: () => T): Promise<T> => {
      this.#mustBeReached()
      return value()
    }
    return {
      close: async () => {
        isClosed = true
        close()
      },
      disturbed: closed,
      follow: (from, end, subject) => follow(from, end, () => isClosed, subject),
      last: (subject) => asked(() => this.stream.last(subject)),
      publish: (message, expect) => asked(() => this.stream.publish(message, expect)),
      server: { name: 'memory', payloadMax: this.payloadMax, version: '2.15.1' },
      state: () => asked(() => this.stream.state()),
      subjects: () => asked(() => this.stream.subjects()),
    }
  }

  async *#follow(
    from: number,
    end: Promise<void>,
    isClosed: () => boolean,
    subject: string | undefined,
  ): AsyncGenerator<BusMessage, void, void> {
    let isOver = false
    void end.then(() => (isOver = true))
    const over = (): boolean => isOver || isClosed()
    for (let next = from; !over();) {
      this.#mustBeReached()
      const messages = this.stream.from(next, 100)
      for (const message of messages) {
        next = message.seq + 1
        if (subject === undefined || message.subject === subject) yield message
      }
      if (messages.length === 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  #mustBeReached(): void {
    if (!this.isReachable) throw new EngineError('ERR_CLUSTER_UNAVAILABLE', 'they are away')
  }
}
