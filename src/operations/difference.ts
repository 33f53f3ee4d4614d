/** What differs between two pictures. */
import type { Picture } from './operations.ts'

export type Change = { readonly field: string; readonly from: string; readonly to: string }

/** One thing that came, went or changed. */
export type Line = {
  readonly changes: readonly Change[]
  readonly how: 'came' | 'changed' | 'went'
  readonly id: string
  readonly kind: 'endpoint' | 'network' | 'sandbox'
  readonly name: string
  /** Of what came or went: what it has, or had. */
  readonly what: string
}

type Seen = Pick<Line, 'id' | 'kind' | 'name' | 'what'> & {
  readonly fields: Readonly<Record<string, string>>
}

/** Networks first, then sandboxes, then endpoints; by name. */
export function difference(before: Picture, after: Picture): readonly Line[] {
  const [was, is] = [seenIn(before), seenIn(after)]
  return [...new Set([...was.keys(), ...is.keys()])]
    .map((id) => lineOf(was.get(id), is.get(id)))
    .filter((line) => line !== undefined)
    .sort((a, b) => ORDER[a.kind] - ORDER[b.kind] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

const ORDER = { endpoint: 2, network: 0, sandbox: 1 } as const

function lineOf(was: Seen | undefined, is: Seen | undefined): Line | undefined {
  const one = is ?? was
  if (one === undefined) return undefined
  const { id, kind, name, what } = one
  if (was === undefined || is === undefined)
    return { changes: [], how: was === undefined ? 'came' : 'went', id, kind, name, what }
  const changes = Object.keys(is.fields)
    .map((field) => ({ field, from: was.fields[field] ?? '', to: is.fields[field] ?? '' }))
    .filter(({ from, to }) => from !== to)
  return changes.length === 0 ? undefined : { changes, how: 'changed', id, kind, name, what: '' }
}

/** Things by id, with the fields that people would say have changed. */
function seenIn({ endpoints, networks, sandboxes }: Picture): ReadonlyMap<string, Seen> {
  const names = new Map<string, string>([...networks, ...sandboxes].map(({ id, name }) => [id, name]))
  const nameOf = (id: string | undefined): string =>
    id === undefined ? '' : (names.get(id) ?? id.slice(0, 12))
  const all: Seen[] = [
    ...networks.map(({ driver, id, name, state, subnets }): Seen => {
      const pools = subnets.map(({ subnet }) => subnet).join(', ')
      return { fields: { state, subnets: pools }, id, kind: 'network', name, what: `${driver} ${pools}` }
    }),
    ...sandboxes.map(({ hostname, id, name, state }): Seen => {
      return { fields: { hostname, state }, id, kind: 'sandbox', name, what: hostname }
    }),
    ...endpoints.map(({ addresses, id, ifName = '', mac, name, network, sandbox, state }): Seen => {
      const ips = addresses.join(', ')
      const place = sandbox === undefined ? '' : `, ${ifName} in ${nameOf(sandbox)}`
      const fields = { addresses: ips, interface: ifName, mac, sandbox: nameOf(sandbox), state }
      return { fields, id, kind: 'endpoint', name, what: `${ips} on ${nameOf(network)}${place}` }
    }),
  ]
  return new Map(all.map((seen) => [seen.id, seen]))
}
