/** Looking things up in a picture: by name, id, address. */
import type { Problem, Ref } from '../../events/index.ts'
import { ipOf, RefusedError } from '../../events/index.ts'
import { problemsIn, refuseIf } from '../../events/refuse.ts'
import type { EndpointView, NetworkView, SandboxView } from '../../projections/index.ts'
import type { Picture } from './operations.ts'
import { shortId } from './words.ts'

type Named = { readonly id: string; readonly name: string }

/** Least characters of an id that stand for it. */
const PREFIX_CHARS_MIN = 4

/** All that a reference may mean: a full id, else a name, else the beginning of an id. */
export function matching<T extends Named>(all: readonly T[], ref: Ref): readonly T[] {
  const exact = all.filter(({ id }) => id === ref)
  if (exact.length > 0) return exact
  const named = all.filter(({ name }) => name === ref)
  if (named.length > 0 || ref.length < PREFIX_CHARS_MIN) return named
  return all.filter(({ id }) => id.startsWith(ref))
}

/** @throws {RefusedError} ERR_NOT_FOUND, ERR_AMBIGUOUS */
export function networkIn({ networks }: Picture, ref: Ref): NetworkView {
  return one('network', matching(networks, ref), ref)
}

/** @throws {RefusedError} ERR_NOT_FOUND, ERR_AMBIGUOUS */
export function sandboxIn({ sandboxes }: Picture, ref: Ref): SandboxView {
  return one('sandbox', matching(sandboxes, ref), ref)
}

/** @throws {RefusedError} ERR_NOT_FOUND, ERR_AMBIGUOUS */
export function endpointIn(picture: Picture, ref: Ref, network?: Ref): EndpointView {
  const on = network === undefined ? undefined : networkIn(picture, network).id
  const all = picture.endpoints.filter((view) => on === undefined || view.network === on)
  return one('endpoint', matching(all, ref), ref)
}

/** What each reference finds, or all that is wrong with them. @throws {RefusedError} */
export function eachOf<T>(refs: readonly Ref[], find: (ref: Ref) => T): readonly T[] {
  const problems: Problem[] = []
  const found: T[] = []
  for (const ref of refs)
    try {
      found.push(find(ref))
    } catch (error) {
      problems.push(...problemsIn(error))
    }
  refuseIf(problems)
  return found
}

/** Something of a picture, and what it is. */
export type Thing =
  | { readonly kind: 'endpoint'; readonly view: EndpointView }
  | { readonly kind: 'network'; readonly view: NetworkView }
  | { readonly kind: 'sandbox'; readonly view: SandboxView }

/** What a reference may mean, whatever its kind: by id, name, or address. `network/web` narrows it. */
export function thingsIn(picture: Picture, given: Ref): readonly Thing[] {
  const [, only, ref = given] = /^(endpoint|network|sandbox)\/(.+)$/.exec(given) ?? []
  const { endpoints, networks, sandboxes } = picture
  const all: readonly Thing[] = [
    ...matching(networks, ref).map((view) => ({ kind: 'network', view }) as const),
    ...matching(sandboxes, ref).map((view) => ({ kind: 'sandbox', view }) as const),
    ...matching(endpoints, ref).map((view) => ({ kind: 'endpoint', view }) as const),
    ...endpoints
      .filter(
        ({ addresses, mac }) => mac === ref || addresses.some((cidr) => cidr === ref || ipOf(cidr) === ref),
      )
      .map((view) => ({ kind: 'endpoint', view }) as const),
  ]
  return only === undefined ? all : all.filter(({ kind }) => kind === only)
}

function one<T extends Named>(kind: string, found: readonly T[], ref: Ref): T {
  const [only, another] = found
  if (only !== undefined && another === undefined) return only
  throw new RefusedError([only === undefined ? missing(kind, ref) : ambiguous(kind, ref, found)])
}

export const missing = (kind: string, ref: Ref): Problem => ({
  code: 'ERR_NOT_FOUND',
  field: kind,
  message: `there is no ${kind} '${ref}'; 'chronet ${kind} ls' lists what there is`,
})

export const ambiguous = (kind: string, ref: Ref, found: readonly Named[]): Problem => ({
  code: 'ERR_AMBIGUOUS',
  field: kind,
  message: `${kind} '${ref}' fits ${found.length}; give an id: ${found
    .slice(0, 5)
    .map(({ id, name }) => `${shortId(id)} (${name})`)
    .join(', ')}`,
})
