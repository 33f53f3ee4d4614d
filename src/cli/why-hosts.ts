/**
 * Whose logs tell why a thing is as it is: ours, or where it knows nothing, those of others; and in front of them the log of the host
 * that made it, if that is another one: there stands who asked for it.
 */
import { EngineError } from '../../events/index.ts'
import { peerName } from '../cluster/peers.ts'
import type { PeerStatus } from '../cluster/status.ts'
import type { Operations, Picture, Trace } from '../operations/operations.ts'

/** What one log tells. Without `host` and `origin` it is ours. */
export type Told = {
  readonly host?: string
  readonly origin?: string
  readonly picture: Picture
  readonly trace: Trace
}

export type Found = {
  /** Other hosts that know something so called, which is something else. */
  readonly elsewhere: readonly string[]
  /** Who made it, where that log is not here. */
  readonly missing?: string
  /** In the order in which it happened: who made it first. */
  readonly told: readonly [Told, ...Told[]]
}

/** @param host its log only; absent: ours, then those of others that are here @throws {RefusedError} ERR_NOT_FOUND: nobody knows it */
export async function lookFor(operations: Operations, ref: string, host: string | undefined): Promise<Found> {
  if (host !== undefined) return { elsewhere: [], told: [await tellOf(operations, ref, host, host)] }
  const own = await unlessUnknown(tellOf(operations, ref))
  if (own.found !== undefined && makerOf(own.found) === undefined) return { elsewhere: [], told: [own.found] }
  const { origin, peers } = await operations.cluster()
  if (own.found !== undefined) return withMaker(operations, own.found, { origin, peers })
  const told: Told[] = []
  for (const peer of peers) {
    const { found } = await unlessUnknown(tellOf(operations, ref, peer.origin, peerName(peer)))
    if (found !== undefined) told.push(found)
  }
  const [first, ...rest] = told.sort((a, b) => Number(isThere(b)) - Number(isThere(a)))
  if (first === undefined) throw own.error
  const others = rest.filter(({ trace }) => trace.subject.stream !== first.trace.subject.stream)
  const elsewhere = others.flatMap(({ host: where }) => where ?? [])
  return { ...(await withMaker(operations, first, { origin, peers })), elsewhere }
}

/** With the log of who made it before it. */
async function withMaker(
  operations: Operations,
  told: Told,
  { origin, peers }: { readonly origin: string; readonly peers: readonly PeerStatus[] },
): Promise<Found> {
  const owner = makerOf(told)
  if (owner === undefined || owner === (told.origin ?? origin)) return { elsewhere: [], told: [told] }
  const peer = peers.find((each) => each.origin === owner)
  const { stream } = told.trace.subject
  const made =
    peer === undefined
      ? undefined
      : (await unlessUnknown(tellOf(operations, stream, peer.origin, peerName(peer)))).found
  if (made !== undefined) return { elsewhere: [], told: [made, told] }
  return {
    elsewhere: [],
    missing: peer === undefined ? owner.slice(0, 12) : peerName(peer),
    told: [told],
  }
}

/** The host that claimed a network's name; undefined: it is no network of all hosts. */
function makerOf({ trace: { commits, subject } }: Told): string | undefined {
  const created = commits
    .flatMap(({ facts }) => facts)
    .filter(({ stream }) => stream === subject.stream)
    .findLast((fact) => fact.type === 'NetworkCreateRequested')
  return created?.type === 'NetworkCreateRequested' ? created.data.claim?.owner : undefined
}

/** Whether it is there now, on the host whose log it is. */
const isThere = ({ picture, trace: { subject } }: Told): boolean => {
  const { endpoints, networks, sandboxes } = picture
  const all = { endpoint: endpoints, network: networks, sandbox: sandboxes }[subject.kind]
  return all.some(({ id }) => subject.stream === `${subject.kind}/${id}`)
}

async function tellOf(
  operations: Operations,
  ref: string,
  origin?: string,
  host: string | undefined = origin,
): Promise<Told> {
  return {
    ...(host === undefined ? {} : { host }),
    ...(origin === undefined ? {} : { origin }),
    picture: await operations.picture('now', origin),
    trace: await operations.trace(ref, origin),
  }
}

async function unlessUnknown(
  telling: Promise<Told>,
): Promise<{ readonly found: Told } | { readonly error: EngineError; readonly found?: undefined }> {
  try {
    return { found: await telling }
  } catch (error) {
    if (error instanceof EngineError && error.code === 'ERR_NOT_FOUND') return { error }
    throw error
  }
}
