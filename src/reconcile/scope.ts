/** Where to look: which of the wanted specs a hint may be about. */
import type { ResourceKey, Spec } from '../../events/index.ts'
import type { Hint } from '../kernel/kernel.ts'

/**
 * Namespaces to look into, one link or the addresses and routes of one, `nft` for our table; or everything. A machine with
 * thousands of links tells of one at each attach: to look at all of them each time would cost seconds.
 */
export type Scope = { readonly all: boolean; readonly places: ReadonlySet<string> }

export const NOWHERE: Scope = { all: false, places: new Set() }
export const EVERYWHERE: Scope = { all: true, places: new Set() }

/** The scope that also covers the hint. */
export function widen(scope: Scope, hint: Hint): Scope {
  if (scope.all || hint.what === 'overrun') return EVERYWHERE
  const place = placeOf(hint)
  return scope.places.has(place) ? scope : { all: false, places: new Set([...scope.places, place]) }
}

function placeOf({ link, ns, what }: Hint): string {
  if (what === 'nft') return 'nft'
  if (what !== 'link') return inetOf(ns)
  // In a sandbox everything stands on a link or two; of the host's links each stands alone.
  return ns === 'host' && link !== undefined ? linkOf(link) : ns
}

const INET = 'inet of '
const LINK = 'link '
const inetOf = (ns: string): string => INET + ns
const linkOf = (name: string): string => LINK + name

/** What a place names: a link of the host, a namespace (`host`, or a sandbox), or our table of the firewall. */
export function readPlace(place: string): { readonly link: string } | { readonly ns: string } | 'nft' {
  if (place === 'nft') return 'nft'
  if (place.startsWith(LINK)) return { link: place.slice(LINK.length) }
  return { ns: place.startsWith(INET) ? place.slice(INET.length) : place }
}

/** The wanted specs within a scope. */
export function within(scope: Scope, wanted: ReadonlyMap<ResourceKey, Spec>): ReadonlyMap<ResourceKey, Spec> {
  if (scope.all) return wanted
  return new Map([...wanted].filter(([, spec]) => placesOf(spec).some((place) => scope.places.has(place))))
}

/** Where a spec's resource can be seen to change. */
export function placesOf(spec: Spec): readonly string[] {
  switch (spec.kind) {
    case 'bridge':
      return ['host', linkOf(spec.name)]
    case 'veth':
      return ['host', linkOf(spec.name), spec.peer.ns]
    case 'netns':
      return [spec.sandbox]
    case 'addr':
    case 'route':
      return [spec.ns, inetOf(spec.ns), ...(spec.ns === 'host' ? [linkOf(spec.link)] : [])]
    case 'sysctl':
      return [spec.ns]
    case 'firewall':
    case 'firewall-network':
      return ['nft']
  }
}
