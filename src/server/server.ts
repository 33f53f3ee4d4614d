/**
 * A long-lived engine: a controller whose data directory others may work in too, through its socket. It listens from the lock on;
 * what is asked while it starts waits until it has.
 */
import { EngineError } from '../../events/index.ts'
import type { ControllerOptions } from '../controller/controller-options.ts'
import { createController, type Controller } from '../controller/controller.ts'
import { instant } from '../engine/instant.ts'
import { operationsOf } from '../operations/engine-operations.ts'
import { withOthers, type Operations } from '../operations/operations.ts'
import type { Ports } from '../ports.ts'
import { systemPorts } from '../system/ports.ts'
import { VERSION } from '../version.ts'
import type { Door } from './door.ts'

/** An engine that serves. */
export type Served = AsyncDisposable & {
  /** Parts from the clients, takes the socket away, and closes the controller. Closing the controller does the same. */
  close(): Promise<void>
  readonly controller: Controller
  /** Absent: the store is damaged, so nothing is locked, and every command reads what can be read by itself. */
  readonly socket?: string
}

/**
 * Opens a data directory, as `createController` does, and serves it: the command line, and `connectEngine` in other processes, then work
 * by this engine. Its socket lets in root and the user of this process, `<run-dir>/<origin, 12 hex>/engine.sock`.
 * @throws {EngineError} as createController; ERR_RUN_DIR: the socket cannot be made
 */
export async function serveEngine(options: ControllerOptions = {}): Promise<Served> {
  const ports: Ports = { ...systemPorts(), ...options.ports }
  const hall = new Hall()
  const openDisk: Ports['openDisk'] = async (where) => {
    const disk = await ports.openDisk(where)
    if (disk.damage !== undefined) return disk
    try {
      // It asks the kernel who comes, and libc is loaded when somebody serves, not on import.
      const { Door } = await import('./door.ts')
      const door = await Door.open(disk, { ready: hall.ready })
      hall.door = door
      const close = async (): Promise<void> => {
        // Before the lock is let go: a successor's socket is not ours to take away.
        hall.fail()
        await door.close().finally(() => disk.close())
      }
      return { ...disk, close }
    } catch (error) {
      await disk.close()
      throw error
    }
  }
  const controller = await createController({ ...options, ports: { ...options.ports, openDisk } })
  hall.open(served(operationsOf(controller), ports))
  const close = (): Promise<void> => controller.close()
  const socket = hall.door === undefined ? {} : { socket: hall.door.path }
  return { ...socket, close, controller, [Symbol.asyncDispose]: close }
}

/** Where those wait who came before the engine was ready. */
class Hall {
  door: Door | undefined
  readonly ready: Promise<Operations>
  #fail: (why: Error) => void = () => undefined
  #open: (operations: Operations) => void = () => undefined

  constructor() {
    this.ready = new Promise((resolve, reject) => {
      this.#fail = reject
      this.#open = resolve
    })
    this.ready.catch(() => undefined)
  }

  /** The engine ends; if it was not ready, it will not be. */
  fail(): void {
    this.#fail(
      new EngineError(
        'ERR_CLOSED',
        'the engine could not start; what stands in its way is told where it was started',
      ),
    )
  }

  open(operations: Operations): void {
    this.#open(operations)
  }
}

/** As clients see it: this process has the data directory. */
function served(operations: Operations, ports: Ports): Operations {
  const since = instant(ports.clock.nowMs())
  const holder = { pid: process.pid, since, version: VERSION }
  return withOthers(operations, { status: async () => ({ ...(await operations.status()), holder }) })
}
