/**
 * The main thread's side of `netns-worker.ts`: starts the thread at the first call, numbers requests, and starts it anew if
 * it ended. The thread keeps the process alive only while an answer is due.
 */
import type { Worker } from 'node:worker_threads'
import type { Operations, Request, Response } from './netns-worker.ts'
import { startThread } from './start-thread.ts'

/** What the worker could not do. `code` is an errno's name. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

type Waiter = { reject(error: WorkerError): void; resolve(value: unknown): void }

export class NetnsWorker {
  readonly #hostNetns: string | undefined
  readonly #waiters = new Map<number, Waiter>()
  #lastId = 0
  #worker: Worker | undefined

  /** @param hostNetns path of the namespace taken as the host; absent: the process's own. */
  constructor(hostNetns: string | undefined) {
    this.#hostNetns = hostNetns
  }

  /**
   * Has the worker do one thing. Calls are done one after the other.
   * @throws {WorkerError} with the kernel's errno name; EPIPE: the thread ended, and it is not known whether it was done.
   */
  call<K extends keyof Operations>(
    name: K,
    argument: Parameters<Operations[K]>[0],
  ): Promise<ReturnType<Operations[K]>> {
    const worker = (this.#worker ??= this.#start())
    const request: Request<K> = { argument, id: ++this.#lastId, name }
    return new Promise((resolve, reject) => {
      if (this.#waiters.size === 0) worker.ref()
      this.#waiters.set(request.id, { reject, resolve })
      worker.postMessage(request)
    })
  }

  /** Starts the thread without asking anything of it: the first call is then spared the wait. */
  warm(): void {
    this.#worker ??= this.#start()
  }

  /** Ends the thread when it has done what was asked of it before. */
  async close(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    await this.call('leave', undefined).catch(() => undefined)
    this.#worker = undefined
    await worker.terminate()
  }

  #start(): Worker {
    const worker = startThread({ hostNetns: this.#hostNetns })
    worker.unref()
    worker.on('message', (response: Response) => {
      const waiter = this.#waiters.get(response.id)
      this.#waiters.delete(response.id)
      if (this.#waiters.size === 0) worker.unref()
      if (response.ok) waiter?.resolve(response.value)
      else waiter?.reject(new WorkerError(response.code, response.message))
    })
    worker.on('error', ({ code, message }: NodeJS.ErrnoException) =>
      this.#ended(worker, `the namespace worker ended: ${message}`, code),
    )
    worker.on('exit', (code) => this.#ended(worker, `the namespace worker ended with exit code ${code}`))
    return worker
  }

  /** @param code the errno's name, if the thread could not even start for it */
  #ended(worker: Worker, message: string, code = 'EPIPE'): void {
    if (this.#worker === worker) this.#worker = undefined
    for (const waiter of this.#waiters.values()) waiter.reject(new WorkerError(code, message))
    this.#waiters.clear()
  }
}
