/**
 * The world behind the host: a namespace of its own with one link to the host's, addresses from TEST-NET-2 (RFC 5737), and
 * no way back to what lies behind the host. Who is heard there, was masqueraded.
 */
import type { Cidr, IfName, Mac, SandboxId, VethSpec } from '../../events/index.ts'
import { addAddress } from '../kernel/linux/addresses.ts'
import { libc, O_CLOEXEC } from '../kernel/linux/libc.ts'
import { createVeth, deleteLink } from '../kernel/linux/links.ts'
import type { Namespace } from '../kernel/linux/namespaces.ts'
import { demand } from '../kernel/linux/refusal.ts'
import { Somebody } from './place.ts'

const LINK = 'uplink'
const THERE = '198.51.100.1'
const HERE = '198.51.100.2'

const PAIR: VethSpec = {
  bridge: '' as IfName,
  kind: 'veth',
  mac: '0a:00:00:00:00:02' as Mac,
  mtu: 0,
  name: LINK as IfName,
  peer: { ipv6: false, mac: '0a:00:00:00:00:01' as Mac, name: LINK as IfName, ns: '' as SandboxId },
}

export class OutsideWorld {
  readonly address = THERE
  readonly host = HERE
  readonly place: Somebody
  readonly #index: number
  readonly #ns: Namespace

  private constructor(place: Somebody, ns: Namespace, index: number) {
    this.place = place
    this.#index = index
    this.#ns = ns
  }

  /** @param ns the host's namespace */
  static async open(ns: Namespace): Promise<OutsideWorld> {
    const place = await Somebody.enter('new')
    const netnsFd = libc().open(`/proc/${place.pid}/ns/net`, O_CLOEXEC)
    // Group and master 0: the link is nobody's, and no bridge's port.
    const [created] = ns.request((w) => createVeth(w, PAIR, { group: 0, netnsFd }))
    libc().close(netnsFd)
    demand(created, 'make a link to the outside')
    const link = ns.find(LINK)
    if (link === undefined) throw new Error('the link to the outside is gone')
    const [given] = ns.request((w) => addAddress(w, `${HERE}/24` as Cidr, link.index))
    demand(given, `give ${LINK} an address`)
    ns.change(link, { up: true })
    await place.plug(LINK, `${THERE}/24`)
    return new OutsideWorld(place, ns, link.index)
  }

  /** The namespace's end would take the link along, but only some milliseconds later. */
  close(): void {
    this.#ns.request((w) => deleteLink(w, this.#index))
    this.place.leave()
  }
}
