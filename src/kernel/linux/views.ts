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
  #addresses: ReadonlySet<string> | undefined
  #links:
    { readonly byIndex: ReadonlyMap<number, Link>; readonly byName: ReadonlyMap<string, Link> } | undefined
  #routes: readonly SeenRoute[] | undefined

  constructor(ns: Namespace) {
    this.ns = ns
  }

  get links(): readonly Link[] {
    return [...this.#index().byIndex.values()]
  }

  /** Whether IPv6 was switched on: at birth and later, `lo` and links to come are switched together. */
  get ipv6(): boolean {
    return this.linkNamed('lo')?.ipv6 === true
  }

  linkAt(index: number): Link | undefined {
    return this.#index().byIndex.get(index)
  }

  linkNamed(name: string): Link | undefined {
    return this.#index().byName.get(name)
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

  constructor(context: Context) {
    this.context = context
    this.host = new View(context.namespaces.host)
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
