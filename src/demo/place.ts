/** The demo's side of `probe.ts`: starts somebody in a namespace and asks things of them. */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Operations, Request, Response } from './probe.ts'
import type { Pings, Place, Visit } from './stage.ts'

type Waiter = { readonly reject: (error: Error) => void; readonly resolve: (value: unknown) => void }

/** A file beside this one as it is now: TypeScript in the sources, JavaScript when built. */
export const beside = (name: string): string =>
  fileURLToPath(new URL(`./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))

/** A process of ours in a namespace. It ends with us. */
export class Somebody implements Place {
  readonly #child: ChildProcess
  readonly #waiters = new Map<number, Waiter>()
  #lastId = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', ({ error, id, value }: Response) => {
      const waiter = this.#waiters.get(id)
      this.#waiters.delete(id)
      if (error === undefined) waiter?.resolve(value)
      else waiter?.reject(new Error(error))
    })
    child.on('exit', () => {
      for (const waiter of this.#waiters.values()) waiter.reject(new Error('the probe ended'))
    })
  }

  /** @param where a namespace's path, `host`, or `new` for one of its own. Settles when it is there. */
  static async enter(where: string): Promise<Somebody> {
    const somebody = new Somebody(
      fork(beside('probe'), [where], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
    )
    // A probe says one thing unasked, and says it first: that it is in.
    await somebody.#answer(0)
    return somebody
  }

  /** Its process's id: by it, others find its namespace. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  addresses(ifName: string): Promise<readonly string[]> {
    return this.#ask('addresses', ifName)
  }

  deleteLink(name: string): Promise<void> {
    return this.#ask('deleteLink', name)
  }

  flushRuleset(): Promise<void> {
    return this.#ask('flushRuleset')
  }

  listen(port: number): Promise<void> {
    return this.#ask('listen', port)
  }

  ping(address: string, count: number): Promise<Pings> {
    return this.#ask('ping', address, count)
  }

  /** Gives a link an address and takes it up. */
  plug(name: string, address: string): Promise<void> {
    return this.#ask('plug', name, address)
  }

  visit(address: string, port: number, patienceMs: number): Promise<Visit> {
    return this.#ask('visit', address, port, patienceMs)
  }

  leave(): void {
    if (this.#child.connected) this.#child.disconnect()
  }

  #ask<K extends keyof Operations>(
    name: K,
    ...args: Parameters<Operations[K]>
  ): Promise<Awaited<ReturnType<Operations[K]>>> {
    const id = ++this.#lastId
    const answer = this.#answer(id)
    this.#child.send({ args, id, name } satisfies Request)
    return answer as Promise<Awaited<ReturnType<Operations[K]>>>
  }

  #answer(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#waiters.set(id, { reject, resolve }))
  }
}
