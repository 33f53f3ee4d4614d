/**
 * A simulated machine for the contract suite.
 */
import { asyncScheduler } from 'rxjs'
import type { NsRef } from '../../events/index.ts'
import { openSimulatedKernel } from '../../src/kernel/simulated/index.ts'
import { type Person, personAt } from '../../src/kernel/simulated/humans.ts'
import { linkNamed } from '../../src/kernel/simulated/links.ts'
import { createKernelWorld, type Namespace, type KernelWorld } from '../../src/kernel/simulated/world.ts'
import type { Timers } from '../../src/ports.ts'
import type { Human, Machine } from './kernel.ts'
import { ORIGIN, sha256 } from './universe.ts'

const RUN_DIR = '/run/chronet/contract'
const TIMERS: Timers = { afterTurn: (run) => void setImmediate(run), scheduler: asyncScheduler }

/** A fresh world with a port on it. */
export async function simulatedMachine(): Promise<Machine & { readonly world: KernelWorld }> {
  const world = createKernelWorld()
  const open = () =>
    openSimulatedKernel(world, { hash: sha256, origin: ORIGIN, runDir: RUN_DIR, timers: TIMERS })
  let kernel = await open()
  return {
    human: humanOn(world),
    get kernel() {
      return kernel
    },
    async reopen() {
      await kernel.close()
      kernel = await open()
      return kernel
    },
    tearDown: () => kernel.close(),
    world,
  }
}

function humanOn(world: KernelWorld): Human {
  const nsOf = (ref: NsRef): Namespace | undefined =>
    ref === 'host' ? world.host : world.mounts.get(`${RUN_DIR}/netns/${ref}`)
  const at = (ref: NsRef): Person => {
    const ns = nsOf(ref)
    if (ns === undefined) throw new Error(`no namespace ${ref}`)
    return personAt(world, ns)
  }
  return {
    addAddress: async (ns, link, cidr) => at(ns).addAddress(link, cidr),
    addForeignBridge: async (name) => at('host').addForeignLink({ kind: 'bridge', name }),
    addRoute: async (ns, dst, link) => at(ns).addForeignRoute(dst, link),
    converse: async (from, _to, ip) => {
      const end = at(from).converse(ip)
      return async () => end()
    },
    deleteAddress: async (ns, link, cidr) => at(ns).removeAddress(link, cidr),
    deleteLink: async (ns, link) => at(ns).deleteLink(link),
    deleteRoute: async (ns, dst) => at(ns).deleteRoute(dst),
    deleteTable: async (table) => at('host').deleteTable(table),
    disableIpv6: async (ns, link) => at(ns).disableIpv6(link),
    downLink: async (ns, link) => at(ns).downLink(link),
    flushMaps: async (table) => at('host').flushMaps(table),
    flushTable: async (table) => at('host').flushTable(table),
    endNamespace: async (path) => at('host').unmount(path),
    linkExists: async (ns, link) => {
      const there = nsOf(ns)
      return there !== undefined && linkNamed(there, link) !== undefined
    },
    linksAt: async (path) => {
      const links = [...(world.mounts.get(path)?.named.values() ?? [])]
      return {
        names: links.map(({ name }) => name).sort(),
        up: links.some(({ name, up }) => name === 'lo' && up),
      }
    },
    makeNamespace: async () => {
      const path = `/run/netns/theirs${world.namespacesMade}`
      at('host').addNamespace(path)
      return path
    },
    renameLink: async (ns, link, to) => at(ns).renameLink(link, to),
    setMtu: async (ns, link, mtu) => at(ns).setMtu(link, mtu),
    unplug: async (link) => at('host').unplug(link),
    upLink: async (ns, link) => at(ns).upLink(link),
  }
}
