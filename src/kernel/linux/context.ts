/** What the functions that do steps work with, what they answer, and how they find the link that a spec names. */
import type { NsRef } from '../../../events/index.ts'
import type { Link } from './links.ts'
import type { Mark } from './mark.ts'
import type { Namespace, Namespaces } from './namespaces.ts'
import { Refusal } from './refusal.ts'

export type Context = { readonly mark: Mark; readonly namespaces: Namespaces }

/** What came of a step that did not fail. `ifindex` and `netnsCookie` are what `Seen` tells of. */
export type Done = { readonly changed: boolean; readonly ifindex?: number; readonly netnsCookie?: string }

export const UNCHANGED: Done = { changed: false }

/** The namespace that a spec stands in. @throws {Refusal} ENOENT. */
export async function namespaceOf({ namespaces }: Context, ref: NsRef): Promise<Namespace> {
  const ns = await namespaces.get(ref)
  if (ns === undefined) throw new Refusal('ENOENT', `sandbox ${ref} has no namespace (ENOENT)`)
  return ns
}

/** Index of a link of ours, remembered or looked up. @throws {Refusal} ENODEV; EEXIST: it is a stranger's. */
export function indexOfOurs(mark: Mark, ns: Namespace, name: string): number {
  const known = ns.remembered(name)
  if (known !== undefined) return known
  const link = ns.find(name)
  if (link === undefined) throw new Refusal('ENODEV', `there is no link ${name} (ENODEV)`)
  if (!mark.mayUse(link, ns.ref)) throw strangers(link)
  return ns.remember(link)
}

/** A link that is not ours stands where ours should. */
export const strangers = ({ name }: Link): Refusal =>
  new Refusal('EEXIST', `link ${name} exists and does not bear our mark (EEXIST)`)
