/**
 * The engine's unix socket: open as long as the engine has the lock of its data directory. It lets in the engine's own user and root,
 * whatever the file's mode says, and greets with whose log this is.
 */
import { chmod, realpath, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { basename, dirname } from 'node:path'
import { EngineError } from '../../events/index.ts'
import type { Operations } from '../operations/operations.ts'
import type { Disk } from '../ports.ts'
import { openRunDir } from '../storage/run-dir.ts'
import { VERSION } from '../version.ts'
import { Connection } from './connection.ts'
import { Link } from './link.ts'
import { peerOf, type Peer } from './peer.ts'
import { SOCKET_PATH_BYTES_MAX, socketIn } from './place.ts'
import { PROTOCOL, type Greeting } from './protocol.ts'

/** Connections at one time. */
export const CONNECTIONS_MAX = 256

export type DoorOptions = {
  /** Requests wait for it. */
  readonly ready: Promise<Operations>
}

export class Door {
  readonly path: string
  readonly #connections = new Set<Connection>()
  readonly #greeting: Omit<Greeting, 'state'>
  readonly #options: DoorOptions
  readonly #server: Server
  #state: Greeting['state'] = 'starting'

  private constructor(path: string, greeting: Omit<Greeting, 'state'>, options: DoorOptions) {
    this.path = path
    this.#greeting = greeting
    this.#options = options
    this.#server = createServer((socket) => this.#enter(socket))
    options.ready.then(
      () => {
        this.#state = 'ready'
      },
      () => undefined,
    )
  }

  /**
   * Listens, in the place of one who is gone. The disk's lock is held.
   * @throws {EngineError} ERR_RUN_DIR: the directory is not ours alone, its path too long, or an engine of a copy of this log is there
   */
  static async open(disk: Pick<Disk, 'dataDir' | 'origin' | 'runDir'>, options: DoorOptions): Promise<Door> {
    const { dataDir, origin, runDir } = disk
    await openRunDir(dirname(runDir), origin)
    const path = socketIn(runDir)
    const bytes = Buffer.byteLength(path)
    if (bytes > SOCKET_PATH_BYTES_MAX)
      throw runDirError(
        path,
        `its path has ${bytes} bytes, and a socket's may have ${SOCKET_PATH_BYTES_MAX}; choose a shorter run directory`,
      )
    await removeStale(path)
    const greeting = {
      code: VERSION,
      dataDir: await nameOf(dataDir),
      origin,
      pid: process.pid,
      protocol: PROTOCOL,
    }
    const door = new Door(path, greeting, options)
    await door.#listen()
    return door
  }

  /** Lets nobody in, parts from those who are, and takes the socket away. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    await rm(this.path, { force: true })
    await Promise.all([...this.#connections].map((each) => each.part('the engine closes')))
    await closed
  }

  async #listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) =>
        reject(runDirError(this.path, `it cannot be listened at (${error.message})`, error)),
      )
      this.#server.listen(this.path, resolve)
    })
    // A failure to accept (no descriptor left) concerns who came; others may come later.
    this.#server.on('error', () => undefined)
    // The directory is closed to others meanwhile.
    await chmod(this.path, 0o600)
  }

  #enter(socket: Socket): void {
    const peer = peerOf(socket)
    const connection = new Connection(socket, { peer }, this.#options.ready)
    this.#connections.add(connection)
    socket.on('close', () => this.#connections.delete(connection))
    const refusal = this.#refusalOf(peer)
    if (refusal) void connection.refuse(refusal)
    else connection.tell({ hello: { ...this.#greeting, state: this.#state } })
  }

  #refusalOf(peer: Peer | undefined): EngineError | undefined {
    if (this.#connections.size > CONNECTIONS_MAX) {
      const text = `${CONNECTIONS_MAX} clients are connected to the engine; try again when one has gone`
      return new EngineError('ERR_BACKPRESSURE', text)
    }
    // Where the kernel names no peer (no Linux), the modes of directory and socket decide alone.
    if (process.platform !== 'linux') return undefined
    const own = process.geteuid?.()
    if (peer !== undefined && (peer.uid === own || peer.uid === 0)) return undefined
    const who = peer === undefined ? 'a process that the kernel does not name' : `uid ${peer.uid}`
    const text = `the engine serves uid ${own} and root, not ${who}; run the command as one of them`
    return new EngineError('ERR_NOT_PERMITTED', text, { details: { ...(peer ? { uid: peer.uid } : {}) } })
  }
}

/** @throws {EngineError} ERR_RUN_DIR: an engine answers there, though the lock is ours: one of another directory with this origin */
async function removeStale(path: string): Promise<void> {
  const link = await Link.connect(path)
  if (link !== undefined) {
    const { dataDir, pid } = link.greeting
    await link.close()
    throw runDirError(
      path,
      `the engine of ${dataDir} (pid ${pid}) serves it, which has the same origin: is one a copy of the other? Give this one a run directory of its own`,
    )
  }
  await rm(path, { force: true })
}

/** As everybody names it; a disk that is none (a simulation's) as it is. */
const nameOf = (dataDir: string): Promise<string> => realpath(dataDir).catch(() => dataDir)

const runDirError = (path: string, why: string, cause?: unknown): EngineError =>
  new EngineError('ERR_RUN_DIR', `socket ${basename(path)} in ${dirname(path)}: ${why}`, {
    cause,
    details: { path },
  })
