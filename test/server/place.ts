/** Engines that serve a scratch directory, on a simulated kernel and the real disk and sockets; and a client that sends what it likes. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import type { ControllerOptions } from '../../src/index.ts'
import { connectEngine } from '../../src/server/client.ts'
import type { RemoteOperations } from '../../src/server/remote.ts'
import { serveEngine, type Served } from '../../src/server/server.ts'
import { createKernelWorld, openSimulatedKernel } from '../../src/simulator/index.ts'
import { systemPorts } from '../../src/system/ports.ts'
import { scratch } from '../events/support.ts'

export type Place = { readonly dataDir: string; readonly runDir: string }

export async function newPlace(): Promise<Place> {
  const base = await scratch()
  return { dataDir: join(base, 'data'), runDir: join(base, 'run') }
}

/** Options of a controller that touches no kernel but its own. */
export function simulated(place: Place): ControllerOptions {
  const { hash, timers } = systemPorts()
  const world = createKernelWorld()
  return {
    ...place,
    ports: { openKernel: (options) => openSimulatedKernel(world, { ...options, hash, timers }) },
  }
}

/** An engine that serves until the test is over. */
export async function serve(place: Place): Promise<Served & { readonly socket: string }> {
  const served = await serveEngine(simulated(place))
  onTestFinished(() => served.close())
  if (served.socket === undefined) throw new Error('it does not serve')
  return { ...served, socket: served.socket }
}

/** A client of it, that must get in. */
export async function enter(place: Place): Promise<RemoteOperations> {
  const remote = await connectEngine(place)
  if (remote === undefined) throw new Error('nobody serves')
  onTestFinished(() => remote.close())
  return remote
}

export type Said = Readonly<Record<string, unknown>>

/** Somebody at the socket who keeps to no protocol. */
export class Stranger {
  readonly socket: Socket
  readonly #lines: AsyncIterator<string>

  private constructor(socket: Socket) {
    this.socket = socket
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  }

  /** Greeted already. */
  static async at(path: string): Promise<Stranger> {
    const socket = connect(path)
    socket.on('error', () => undefined)
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
    const stranger = new Stranger(socket)
    await stranger.hear()
    return stranger
  }

  /** What the engine says next; undefined: it hung up. */
  async hear(): Promise<Said | undefined> {
    const next = await this.#lines.next()
    return next.done === true ? undefined : (JSON.parse(next.value) as Said)
  }

  /** All that it says until it hangs up. */
  async hearAll(): Promise<readonly Said[]> {
    const all: Said[] = []
    for (let said = await this.hear(); said !== undefined; said = await this.hear()) all.push(said)
    return all
  }

  say(...messages: readonly object[]): void {
    this.socket.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(''))
  }
}
