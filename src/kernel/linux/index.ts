/**
 * The real kernel: the port on rtnetlink, nfnetlink and namespaces. No process is ever spawned, and the main thread never
 * changes namespace. What adds costs a millisecond of this thread; births of namespaces and deletions are the worker's.
 */
import type { HostRoute, Spec, Step } from '../../../events/index.ts'
import { readBootId } from '../boot-id.ts'
import type { FlowEnd, Hint, Kernel, KernelOptions, Observation, StepResult } from '../kernel.ts'
import { apply } from './apply.ts'
import type { Context } from './context.ts'
import type { Firewall, OpenFirewallSocket } from './firewall.ts'
import { countFlows } from './flows.ts'
import { Hints } from './hints.ts'
import { hostRoutes } from './host-routes.ts'
import { Mark } from './mark.ts'
import { Namespaces } from './namespaces.ts'
import { NETLINK_NETFILTER, NetlinkSocket } from './netlink.ts'
import { NetnsWorker } from './netns.ts'
import { openFirewall } from './nftables/index.ts'
import { observe } from './observe.ts'
import { checkRights, hostError } from './rights.ts'

export { checkRights } from './rights.ts'

/**
 * Opens the port. Changes nothing in the kernel.
 * @throws {EngineError} ERR_NOT_PERMITTED, ERR_KERNEL_UNSUPPORTED; ERR_NOT_FOUND: nothing is at `hostNetns`.
 * @throws {NetlinkError | WorkerError} no netlink socket can be had in the namespace taken as the host.
 */
export async function openLinuxKernel(options: KernelOptions): Promise<Kernel> {
  checkRights(options.hostNetns)
  return openPermittedKernel(options)
}

/** As {@link openLinuxKernel}, for who has called {@link checkRights} already. */
export async function openPermittedKernel({ hostNetns, origin, runDir }: KernelOptions): Promise<Kernel> {
  const worker = new NetnsWorker(hostNetns)
  worker.warm()
  try {
    const namespaces = await Namespaces.open(worker, runDir, hostNetns !== undefined)
    // Without another namespace to take as the host, no hop to the worker is needed, nor its start waited for.
    const openSocket: OpenFirewallSocket = async ({ groups = [] } = {}) =>
      hostNetns === undefined
        ? NetlinkSocket.open(NETLINK_NETFILTER, { groups })
        : NetlinkSocket.adopt(
            await worker.call('socket', { fd: undefined, groups, protocol: NETLINK_NETFILTER }),
          )
    const firewall = await openFirewall({ openSocket, origin })
    return new LinuxKernel({ mark: new Mark(origin), namespaces }, firewall, openSocket)
  } catch (error) {
    await worker.close()
    throw hostError(hostNetns, error)
  }
}

class LinuxKernel implements Kernel {
  readonly identity: Kernel['identity']
  readonly #context: Context
  readonly #firewall: Firewall
  readonly #hints: Hints
  readonly #openSocket: OpenFirewallSocket

  constructor(context: Context, firewall: Firewall, openSocket: OpenFirewallSocket) {
    this.#context = context
    this.#firewall = firewall
    this.#openSocket = openSocket
    this.#hints = new Hints(context.namespaces)
    this.identity = { bootId: readBootId(), cookie: context.namespaces.host.cookie }
  }

  apply(steps: readonly Step[]): Promise<readonly StepResult[]> {
    return apply(this.#context, this.#firewall, steps)
  }

  observe(specs: readonly Spec[], options?: { readonly strays?: boolean }): Promise<Observation> {
    return observe(this.#context, this.#firewall, specs, options?.strays ?? false)
  }

  onHint(listener: (hint: Hint) => void): () => void {
    const ends = [this.#hints.listen(listener), this.#firewall.onHint(listener)]
    return () => {
      for (const end of ends) end()
    }
  }

  cookieAt(path: string): Promise<string | undefined> {
    return this.#context.namespaces.cookieAt(path)
  }

  flows(ends: readonly FlowEnd[]): Promise<number | undefined> {
    return countFlows(this.#context.namespaces, this.#openSocket, ends)
  }

  async routes(): Promise<readonly HostRoute[]> {
    return hostRoutes(this.#context)
  }

  /** Closes what is open here; the kernel keeps all that was made. */
  async close(): Promise<void> {
    this.#hints.close()
    this.#firewall.close()
    this.#context.namespaces.close()
    await this.#context.namespaces.worker.close()
  }
}
