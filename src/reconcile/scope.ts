/** Where to look: which of the wanted specs a hint may be about. */
import type { ResourceKey, Spec } from '../../events/index.ts'
import type { Hint } from '../kernel/kernel.ts'

/** Namespaces to look into, `nft` for our table, or everything. */
export type Scope = { readonly all: boolean; readonly places: ReadonlySet<string> }

export const NOWHERE: Scope = { all: false, places: new Set() }
export const EVERYWHERE: Scope = { all: true, places: new Set() }

/** The scope that also covers the hint. */
export function widen(scope: Scope, hint: Hint): Scope {
  if (scope.all || hint.what === 'overrun') return EVERYWHERE
  const place = hint.what === 'nft' ? 'nft' : hint.ns
  return scope.places.has(place) ? scope : { all: false, places: new Set([...scope.places, place]) }
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
      return ['host']
    case 'veth':
      return ['host', spec.peer.ns]
    case 'netns':
      return [spec.sandbox]
    case 'addr':
    case 'route':
    case 'sysctl':
      return [spec.ns]
    case 'firewall':
    case 'firewall-network':
      return ['nft']
  }
}
