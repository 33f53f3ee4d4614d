/**
 * One client of the engine's socket: its requests, each on its own, and what it may cost. It may have so many requests under way, and a
 * stream so many items ahead; while it does not read, nothing more is read from it. So it holds one answer to a request at
 * most, however long it sleeps.
 */
import type { Socket } from 'node:net'
import { EngineError } from '../../events/index.ts'
import type { Operations } from '../operations/operations.ts'
import { call, type Arguments, type Caller } from './calls.ts'
import { Lines } from './lines.ts'
import {
  ANSWER_BYTES_MAX,
  encodeError,
  parseFromClient,
  REQUEST_BYTES_MAX,
  REQUESTS_MAX,
  WINDOW,
  WINDOW_MAX,
  type FromEngine,
} from './protocol.ts'

/** How long a connection that ends may take to read the last words, in milliseconds. */
const PARTING_MS = 500

/** A request under way; of one that streams, what it may send. */
type Request = {
  allowed: number
  isCancelled: boolean
  wake: () => void
}

const nothing = (): void => undefined

export class Connection {
  readonly #caller: Caller
  readonly #lines = new Lines(REQUEST_BYTES_MAX)
  readonly #ready: Promise<Operations>
  readonly #requests = new Map<number, Request>()
  readonly #socket: Socket
  /** Settles when what was written is on its way, or the connection is gone. */
  #drained: Promise<void> | undefined
  /** What comes in is looked at no more. */
  #isDeaf = false
  #onIdle = nothing

  /** @param ready requests wait for it */
  constructor(socket: Socket, caller: Caller, ready: Promise<Operations>) {
    this.#caller = caller
    this.#ready = ready
    this.#socket = socket
    socket.on('data', (chunk) => this.#hear(chunk))
    socket.on('close', () => this.#gone())
    // Of a client that went, nobody needs to know more.
    socket.on('error', nothing)
  }

  /** Without an answer awaited. */
  tell(message: FromEngine): void {
    void this.#send(message)
  }

  /** Answers what is under way, for a while, then says why it ends, and ends. */
  async part(bye: string, withinMs = PARTING_MS): Promise<void> {
    this.#isDeaf = true
    if (this.#requests.size > 0)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs)
        this.#onIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    this.#cancelAll()
    await this.#end({ bye })
  }

  /** Says it, and ends: what comes after it could not be understood. */
  refuse(error: unknown): Promise<void> {
    this.#isDeaf = true
    this.#cancelAll()
    return this.#end({ error: encodeError(error) })
  }

  #hear(chunk: Buffer): void {
    if (this.#isDeaf) return
    try {
      for (const line of this.#lines.push(chunk)) this.#take(line)
    } catch (error) {
      void this.refuse(error)
    }
  }

  #take(line: string): void {
    if (this.#isDeaf) return
    const message = parseFromClient(line)
    const request = this.#requests.get(message.id)
    if ('method' in message) {
      if (request)
        throw new EngineError('ERR_INVALID', `request ${message.id} is still under way; take a new id`)
      this.#begin(message.id, message.method, message.params ?? [])
    } else if (request && 'more' in message) {
      request.allowed += message.more
      if (request.allowed > WINDOW_MAX)
        throw new EngineError('ERR_INVALID', `more than ${WINDOW_MAX} items are allowed ahead`)
      request.wake()
    } else if (request) {
      cancel(request)
    }
  }

  #begin(id: number, method: string, given: Arguments): void {
    if (this.#requests.size >= REQUESTS_MAX) {
      const text = `${REQUESTS_MAX} requests of this connection are under way; wait for an answer, then go on`
      this.tell({ error: encodeError(new EngineError('ERR_BACKPRESSURE', text)), id })
      return
    }
    const request: Request = { allowed: WINDOW, isCancelled: false, wake: nothing }
    this.#requests.set(id, request)
    void this.#run(id, request, method, given).finally(() => {
      this.#requests.delete(id)
      if (this.#requests.size === 0) this.#onIdle()
    })
  }

  async #run(id: number, request: Request, method: string, given: Arguments): Promise<void> {
    try {
      const operations = await this.#ready
      // Who is gone before his command was taken has not asked.
      if (this.#socket.destroyed) return
      const outcome = call(operations, method, given, this.#caller)
      if (Symbol.asyncIterator in outcome) await this.#stream(id, request, outcome)
      else await this.#send({ id, result: await outcome })
    } catch (error) {
      await this.#send({ error: encodeError(error), id })
    }
  }

  async #stream(id: number, request: Request, source: AsyncIterable<unknown>): Promise<void> {
    const items = source[Symbol.asyncIterator]()
    try {
      for (;;) {
        while (request.allowed === 0 && !request.isCancelled)
          await new Promise<void>((resolve) => (request.wake = resolve))
        const next = await nextUnlessCancelled(items, request)
        if (next === undefined || next.done === true) break
        request.allowed -= 1
        await this.#send({ id, item: next.value })
      }
    } finally {
      // A source that waits for the next commit ends with it: nobody waits for that.
      void Promise.resolve(items.return?.()).catch(nothing)
    }
    await this.#send({ end: true, id })
  }

  /** Settles when the other side takes more. Never rejects: who is gone takes everything. */
  async #send(message: FromEngine): Promise<void> {
    const { id } = message as { readonly id?: number }
    const line = id === undefined ? JSON.stringify(message) : textOf(id, message)
    if (this.#socket.writable && !this.#socket.write(`${line}\n`)) this.#drained ??= this.#untilDrained()
    await this.#drained
  }

  async #untilDrained(): Promise<void> {
    const socket = this.#socket
    socket.pause()
    await new Promise<void>((resolve) => {
      const done = (): void => {
        socket.off('drain', done).off('close', done)
        resolve()
      }
      socket.on('drain', done).on('close', done)
    })
    this.#drained = undefined
    socket.resume()
  }

  async #end(last: FromEngine): Promise<void> {
    const socket = this.#socket
    if (socket.destroyed) return
    const timer = setTimeout(() => socket.destroy(), PARTING_MS)
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
      if (socket.writable) socket.end(`${JSON.stringify(last)}\n`)
      // So that the end of the other side is seen.
      socket.resume()
    })
    clearTimeout(timer)
  }

  #gone(): void {
    this.#isDeaf = true
    this.#cancelAll()
  }

  #cancelAll(): void {
    for (const request of this.#requests.values()) cancel(request)
  }
}

function cancel(request: Request): void {
  request.isCancelled = true
  request.wake()
}

/** Undefined: it was cancelled meanwhile. (A race with a promise that outlives it would keep every item's reaction.) */
function nextUnlessCancelled<T>(
  items: AsyncIterator<T>,
  request: Request,
): Promise<IteratorResult<T> | undefined> {
  return new Promise((resolve, reject) => {
    if (request.isCancelled) {
      resolve(undefined)
      return
    }
    request.wake = () => {
      if (request.isCancelled) resolve(undefined)
    }
    items.next().then(resolve, reject)
  })
}

/** The message as a line; an error in its place where it is too long for one. */
function textOf(id: number, message: FromEngine): string {
  try {
    const line = JSON.stringify(message)
    if (line.length * 3 <= ANSWER_BYTES_MAX || Buffer.byteLength(line) <= ANSWER_BYTES_MAX) return line
  } catch {
    // V8 has no texts of more than 512 MiB.
  }
  const error = new EngineError(
    'ERR_UNSUPPORTED',
    `the answer has more than ${ANSWER_BYTES_MAX} bytes; ask for less`,
  )
  return JSON.stringify({ error: encodeError(error), id })
}
