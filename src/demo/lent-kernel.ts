/**
 * A kernel port that lives in another process: calls go there and answers come back by Node's IPC. The simulated kernel is
 * plain objects of the demo, which outlive an engine that is killed only if that engine is another process.
 */
import type { ChildProcess } from 'node:child_process'
import process from 'node:process'
import type { Kernel, KernelOptions } from '../index.ts'

export type OpenKernel = (options: KernelOptions) => Promise<Kernel>

type Methods = {
  readonly apply: Kernel['apply']
  readonly cookieAt: Kernel['cookieAt']
  readonly flows: Kernel['flows']
  readonly observe: Kernel['observe']
  readonly open: (options: KernelOptions) => Promise<Kernel['identity']>
  readonly routes: Kernel['routes']
}
type Call = { readonly args: readonly unknown[]; readonly id: number; readonly name: keyof Methods }
type Answer = { readonly id: number; readonly value: unknown }

/** Answers a child process's calls until it ends. The kernel is opened when the child does. */
export function lendKernel(child: ChildProcess, open: OpenKernel): void {
  let kernel: Promise<Kernel> | undefined
  const opened = (): Promise<Kernel> => kernel ?? Promise.reject(new Error('the kernel is not open'))
  const methods: Methods = {
    apply: async (steps) => (await opened()).apply(steps),
    cookieAt: async (path) => (await opened()).cookieAt(path),
    flows: async (ends) => (await opened()).flows(ends),
    observe: async (specs, how) => (await opened()).observe(specs, how),
    open: async (options) => (await (kernel = open(options))).identity,
    routes: async () => (await opened()).routes(),
  }
  child.on('message', (message: Call | string) => {
    if (typeof message === 'string') return
    const { args, id, name } = message
    const method = methods[name] as (...args: readonly unknown[]) => Promise<unknown>
    // Who died meanwhile hears nothing, and that is no error.
    void method(...args).then((value) => child.send({ id, value } satisfies Answer, () => undefined))
  })
  child.on('exit', () => void kernel?.then((each) => each.close()))
}

/** The kernel that the parent process lends, as a port. It gives no hints. */
export async function borrowKernel(options: KernelOptions): Promise<Kernel> {
  const waiters = new Map<number, (value: unknown) => void>()
  let lastId = 0
  process.on('message', ({ id, value }: Answer) => {
    waiters.get(id)?.(value)
    waiters.delete(id)
  })
  const ask = <K extends keyof Methods>(name: K, ...args: Parameters<Methods[K]>): ReturnType<Methods[K]> => {
    const id = ++lastId
    process.send?.({ args, id, name } satisfies Call)
    const answer = new Promise<unknown>((resolve) => waiters.set(id, resolve))
    return answer as ReturnType<Methods[K]>
  }
  const identity = await ask('open', options)
  return {
    apply: (steps) => ask('apply', steps),
    close: () => Promise.resolve(),
    cookieAt: (path) => ask('cookieAt', path),
    flows: (ends) => ask('flows', ends),
    identity,
    observe: (specs, how) => ask('observe', specs, how),
    onHint: () => () => undefined,
    routes: () => ask('routes'),
  }
}
