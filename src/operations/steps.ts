/** Steps and resources in words: what is made, taken out of service or removed in the kernel. */
import type { ResourceKey, Spec, SpecKind, Step } from '../../events/index.ts'
import type { Names } from './names.ts'

type Said = { readonly [K in SpecKind]: (spec: Extract<Spec, { kind: K }>, names: Names) => string }

const place = (ns: string, names: Names): string => (ns === 'host' ? '' : ` of ${names.of(ns)}`)

const SAID: Said = {
  addr: (s, names) => `address ${s.address} on ${s.link}${place(s.ns, names)}`,
  bridge: (s) => `bridge ${s.name}`,
  firewall: (s) => `firewall table ${s.table}`,
  'firewall-network': (s) =>
    `firewall of ${s.bridge} (${s.internal ? 'internal' : s.masquerade ? 'masquerade' : 'no masquerade'})`,
  netns: (s, names) => `namespace of ${names.of(s.sandbox)}`,
  route: (s, names) => {
    const dst = s.dst === '0.0.0.0/0' || s.dst === '::/0' ? 'default route' : `route ${s.dst}`
    return `${dst}${place(s.ns, names)}${s.via === undefined ? '' : ` via ${s.via}`}`
  },
  sysctl: (s, names) => `sysctl ${s.name} = ${s.value}${place(s.ns, names)}`,
  veth: (s, names) => `link ${s.peer.name} of ${names.of(s.peer.ns)} (${s.name} on ${s.bridge})`,
}

/** A resource: `link eth0 of a (cnv… on cnb…)`. */
export const resource = (spec: Spec, names: Names): string =>
  (SAID[spec.kind] as (spec: Spec, names: Names) => string)(spec, names)

/** A step: `make bridge cnb…`, `cut link …`, `remove namespace …`. */
export const step = ({ op, spec }: Step, names: Names): string => {
  if (op === 'ensure')
    return spec.kind === 'sysctl' ? `set ${resource(spec, names)}` : `make ${resource(spec, names)}`
  if (op === 'cut') return `take ${resource(spec, names)} out of service`
  return `remove ${resource(spec, names)}`
}

const KINDS: { readonly [K in SpecKind]: string } = {
  addr: 'address',
  bridge: 'bridge',
  firewall: 'firewall',
  'firewall-network': 'firewall',
  netns: 'namespace',
  route: 'route',
  sysctl: 'sysctl',
  veth: 'link',
}

/** The kinds of what steps are about, each once, in their order: `link, address, route`. */
export const kinds = (steps: readonly Step[]): string =>
  [...new Set(steps.map(({ spec }) => KINDS[spec.kind]))].join(', ')

/** Whether a resource belongs to an entity: what it is made of names it. */
export function isOf(key: ResourceKey, spec: Spec, id: string, links: ReadonlySet<string>): boolean {
  if (key.includes(id)) return true
  if (spec.kind === 'veth') return links.has(spec.name) || spec.peer.ns === id
  if (spec.kind === 'bridge') return links.has(spec.name)
  if (spec.kind === 'firewall-network') return links.has(spec.bridge)
  return spec.kind === 'addr' && links.has(spec.link)
}
