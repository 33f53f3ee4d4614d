/**
 * A client's end of the engine's socket: calls and streams, many at a time. What is not asked for is not sent, so that a stream whose
 * reader is slow holds up nothing, and fills no memory, neither here nor there.
 */
import { connect, type Socket } from 'node:net'
import { EngineError } from '../../events/index.ts'
import { codeOf } from '../storage/errors.ts'
import { Inbox } from './inbox.ts'
import { Lines } from './lines.ts'
import { GREETING_MS } from './place.ts'
import {
  ANSWER_BYTES_MAX,
  decodeError,
  parseFromEngine,
  PROTOCOL,
  type FromClient,
  type FromEngine,
  type Greeting,
} from './protocol.ts'

/** What a socket says at which nobody listens, or nobody has the time to (EAGAIN: unix(7), a full backlog). */
const NOBODY: readonly unknown[] = ['EAGAIN', 'ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'ENOTDIR']

type Answer = Extract<FromEngine, { readonly id: number }>
/** `take` tells whether more answers may come. */
type Pending = { readonly fail: (why: Error) => void; readonly take: (answer: Answer) => boolean }

/** The engine went away, and with it what it was asked. */
export class LinkLost extends EngineError {
  constructor(message: string, cause?: Error) {
    super('ERR_CLOSED', message, { cause })
  }
}

export class Link {
  readonly #lines = new Lines(ANSWER_BYTES_MAX)
  readonly #pending = new Map<number, Pending>()
  readonly #socket: Socket
  #greeting: Greeting | undefined
  #lastId = 0
  #onGreeting = (): void => undefined
  /** Why nothing can be asked any more. */
  #over: Error | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#hear(chunk))
    // Before the greeting it tells whether anybody is there; after it, only that nobody is any more.
    socket.on('error', (error) => this.#end(this.#greeting ? this.#lost(error) : error))
    socket.on('close', () => this.#end(this.#lost()))
  }

  /**
   * Undefined: nobody listens there, or does not greet in time.
   * @throws {EngineError} ERR_NOT_PERMITTED, ERR_BACKPRESSURE: it lets us not in; ERR_UNSUPPORTED: it speaks another protocol
   */
  static async connect(path: string, greetingMs = GREETING_MS): Promise<Link | undefined> {
    const link = new Link(connect(path))
    await link.#untilGreeted(greetingMs)
    if (link.#greeting !== undefined && link.#over === undefined) return link
    link.#socket.destroy()
    const why = link.#over
    if (why === undefined || why instanceof LinkLost || NOBODY.includes(codeOf(why))) return undefined
    throw permitted(path, why)
  }

  /** What the engine said of itself when it let us in. */
  get greeting(): Greeting {
    if (this.#greeting === undefined) throw new Error('chronet defect: a link before the greeting')
    return this.#greeting
  }

  /** Calls a method. @throws the engine's error; {@link LinkLost}: it went away before it answered */
  call(method: string, ...params: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#ask(method, params, {
        fail: reject,
        take: (answer) => {
          if ('error' in answer) reject(decodeError(answer.error))
          else resolve('result' in answer ? answer.result : undefined)
          return false
        },
      })
    })
  }

  /** Calls a method that streams, anew at each iteration. */
  stream(method: string, ...params: readonly unknown[]): AsyncIterable<unknown> {
    return { [Symbol.asyncIterator]: () => this.#begin(method, params) }
  }

  /** Lets go. What is under way fails. */
  async close(): Promise<void> {
    this.#end(new EngineError('ERR_CLOSED', 'the connection to the engine is closed; open another'))
    if (this.#socket.closed) return
    await new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve())
      this.#socket.destroy()
    })
  }

  #begin(method: string, params: readonly unknown[]): Inbox {
    let id = 0
    const inbox = new Inbox({
      cancel: () => {
        if (this.#pending.delete(id)) this.#write({ cancel: true, id })
      },
      more: (items) => this.#write({ id, more: items }),
    })
    id = this.#ask(method, params, inbox)
    return inbox
  }

  #ask(method: string, params: readonly unknown[], pending: Pending): number {
    const id = ++this.#lastId
    if (this.#over) pending.fail(this.#over)
    else {
      this.#pending.set(id, pending)
      this.#write({ id, method, ...(params.length > 0 ? { params } : {}) })
    }
    return id
  }

  #write(message: FromClient): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(message)}\n`)
  }

  #hear(chunk: Buffer): void {
    try {
      for (const line of this.#lines.push(chunk)) this.#take(parseFromEngine(line))
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)))
      this.#socket.destroy()
    }
  }

  #take(message: FromEngine): void {
    if ('hello' in message) this.#greet(message.hello)
    else if ('bye' in message)
      this.#end(new LinkLost(`${message.bye}; give the command again, or start it again`))
    else if ('id' in message) {
      if (this.#pending.get(message.id)?.take(message) === false) this.#pending.delete(message.id)
    } else this.#end(decodeError(message.error))
  }

  #greet(greeting: Greeting): void {
    const { code, protocol } = greeting
    if (protocol !== PROTOCOL) {
      const text = `the engine (version ${code}) speaks version ${protocol} of the holder protocol, this program version ${PROTOCOL}`
      throw new EngineError('ERR_UNSUPPORTED', `${text}; use the same version of both`)
    }
    this.#greeting = greeting
    this.#onGreeting()
  }

  #untilGreeted(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs)
      this.#onGreeting = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #end(why: Error): void {
    this.#over ??= why
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const each of pending) each.fail(this.#over)
    this.#onGreeting()
  }

  #lost(cause?: Error): LinkLost {
    const text = `the engine (pid ${this.#greeting?.pid}) went away before it answered; ask again`
    return new LinkLost(text, cause)
  }
}

function permitted(path: string, cause: Error): Error {
  const code = codeOf(cause)
  if (code !== 'EACCES' && code !== 'EPERM') return cause
  const text = `socket ${path} may not be used by uid ${process.geteuid?.()}; run the command as the engine's user or as root`
  return new EngineError('ERR_NOT_PERMITTED', text, { cause, details: { path } })
}
