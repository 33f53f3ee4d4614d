/** One look at the machine: the dumps of each namespace, taken when first asked for and then kept for this look. */
import type { Cidr, NsRef } from '../../../events/index.ts'
import type { Context } from './context.ts'
import { hasDefaultMetric } from './ensure-inet.ts'
import type { Link } from './links.ts'
import type { Namespace } from './namespaces.ts'
import type { SeenRoute } from './routes.ts'

/** One namespace as it was when it was looked at. */
export class View {
  readonly ns: Namespace
  /** Links that were asked for one by one. */
  readonly #single: Map<number | string, Link | undefined> | undefined
  #addresses: ReadonlySet<string> | undefined
  #links:
    { readonly byIndex: ReadonlyMap<number, Link>; readonly byName: ReadonlyMap<string, Link> } | undefined
  #routes: readonly SeenRoute[] | undefined

  /** @param few only few of its links will be asked for: they are looked up, since a dump costs what exists. */
  constructor(ns: Namespace, few = false) {
    this.ns = ns
    this.#single = few ? new Map() : undefined
  }

  get links(): readonly Link[] {
    return [...this.#index().byIndex.values()]
  }

  /** Whether the loopback speaks IPv6. */
  get ipv6(): boolean {
    return this.linkNamed('lo')?.ipv6 === true
  }

  linkAt(index: number): Link | undefined {
    return this.#single ? this.#find(this.#single, index) : this.#index().byIndex.get(index)
  }

  linkNamed(name: string): Link | undefined {
    return this.#single ? this.#find(this.#single, name) : this.#index().byName.get(name)
  }

  hasAddress(index: number, address: Cidr): boolean {
    this.#addresses ??= new Set(this.ns.addresses().map((each) => `${each.index} ${each.address}`))
    return this.#addresses.has(`${index} ${address}`)
  }

  /** Unicast routes of the main table. */
  get routes(): readonly SeenRoute[] {
    return (this.#routes ??= this.ns.routes())
  }

  /** The route that one of ours would compete with. */
  routeTo(dst: Cidr): SeenRoute | undefined {
    return this.routes.find((route) => route.dst === dst && hasDefaultMetric(route))
  }

  #find(single: Map<number | string, Link | undefined>, which: number | string): Link | undefined {
    if (!single.has(which)) single.set(which, which === 0 ? undefined : this.ns.find(which))
    return single.get(which)
  }

  #index(): { readonly byIndex: ReadonlyMap<number, Link>; readonly byName: ReadonlyMap<string, Link> } {
    if (this.#links !== undefined) return this.#links
    const links = this.ns.links()
    this.#links = {
      byIndex: new Map(links.map((link) => [link.index, link])),
      byName: new Map(links.map((link) => [link.name, link])),
    }
    return this.#links
  }
}

/** The views of one look. */
export class Views {
  readonly context: Context
  readonly host: View
  readonly #views = new Map<NsRef, Promise<View | undefined>>()

  /** @param few only few links of the host will be asked for. */
  constructor(context: Context, few: boolean) {
    this.context = context
    this.host = new View(context.namespaces.host, few)
    this.#views.set('host', Promise.resolve(this.host))
  }

  /** Undefined: there is no such namespace. */
  readonly of = (ref: NsRef): Promise<View | undefined> => {
    const view = this.#views.get(ref) ?? this.#open(ref)
    this.#views.set(ref, view)
    return view
  }

  async #open(ref: NsRef): Promise<View | undefined> {
    const { namespaces } = this.context
    const ns = ref === 'host' ? namespaces.host : await namespaces.look(ref)
    return ns && new View(ns)
  }
}
