/**
 * The past of one thing, from the log: who it was, and every commit that speaks of it.
 *
 * The log is gone through once, as text: a commit that has none of the words looked for is not even parsed, which is several times
 * as fast as reading it. What is looked for grows on the way: who bears the name or address leads to an id, that to links and plans. What
 * is found is read again, verified.
 */
import type { AnyFact, Commit, Log, Ref, Seq } from '../../events/index.ts'
import { RefusedError } from '../../events/index.ts'
import { Follower } from './follower.ts'
import { namedBy } from './names.ts'
import type { Subject, Trace } from './operations.ts'
import { literally, Words } from './text-search.ts'

type Source = Pick<Log<AnyFact>, 'find' | 'read' | 'versionOf'>

/**
 * Goes through the whole log.
 * @param nameOf of what is there now, by id
 * @throws {RefusedError} ERR_NOT_FOUND
 */
export async function traceOf(
  log: Source,
  ref: Ref,
  nameOf: (id: string) => string | undefined,
): Promise<Trace> {
  const words = wordsFor(ref)
  const followers = await follow(log, ref, words)
  const [subject, ...others] = inOrder(log, followers)
  if (subject === undefined) throw new RefusedError([neverWas(ref)])
  const commits = await readAll(log, subject.seqs)
  return {
    commits,
    names: await namesIn(log, commits, nameOf),
    others: others.map(plain),
    subject: plain(subject),
  }
}

/** As it stands in the commit that brings its bearer about: as a name, as an address, or where an id begins. */
function wordsFor(ref: Ref): Words {
  const { only = '', word } = parted(ref)
  const text = JSON.stringify(word).slice(1, -1)
  // An address stands before its length, or with it; and a gateway's stands alone, in routes too, where it means nothing.
  const asAddress = [`"mac":"${text}"`, `"gateway":"${text}"`, `"${text}/`, `"${text}"`]
  return new Words([
    `"name":"${text}"`,
    ...(/[.:]/.test(word) ? asAddress.slice(0, word.includes('/') ? 4 : 3) : []),
    ...(/^[0-9a-f]{4,64}$/.test(word) ? [`${only}/${word}`] : []),
  ])
}

/** `network/web`: only networks are meant. */
function parted(ref: Ref): { readonly only?: string; readonly word: string } {
  const [, only, word] = /^(endpoint|network|sandbox)\/(.+)$/.exec(ref) ?? []
  return only === undefined || word === undefined ? { word: ref } : { only, word }
}

/** All that the reference may mean, with their past. */
async function follow(log: Source, ref: Ref, words: Words): Promise<readonly Follower[]> {
  const { only, word } = parted(ref)
  const all = new Map<string, Follower>()
  let active: Follower[] = []
  for await (const seq of log.find(words.fits)) {
    const commit = await readOne(log, seq)
    for (const one of Follower.meant(commit, word, only))
      if (!all.has(one.id)) {
        all.set(one.id, one)
        active.push(one)
        one.begin(words)
      }
    for (const one of active) one.hear(commit, words)
    for (const one of active) if (one.isOver) one.end(words)
    active = active.filter((one) => !one.isOver)
  }
  return withBirths(log, [...all.values()])
}

/** A link's name leads to its endpoint only when that joins, and it may have been there before. */
async function withBirths(log: Source, all: readonly Follower[]): Promise<readonly Follower[]> {
  const unborn = all.filter(({ name }) => name === undefined)
  if (unborn.length === 0) return all
  const whole: Follower[] = []
  for (const one of all)
    whole.push(...(unborn.includes(one) ? await follow(log, one.stream, wordsFor(one.stream)) : [one]))
  return whole
}

/** What is meant: an id before a name or address before the beginning of an id; living before gone, newer before older. */
function inOrder(log: Source, all: readonly Follower[]): readonly Follower[] {
  const best = Math.min(...all.map(({ by }) => by))
  const lives = ({ stream }: Follower): boolean => log.versionOf(stream) > 0
  const found = all.filter(({ by, name }) => by === best && name !== undefined)
  const newest = found.sort((a, b) => (b.seqs[0] ?? 0) - (a.seqs[0] ?? 0))
  return [...newest.filter(lives), ...newest.filter((one) => !lives(one))]
}

async function readAll(log: Source, seqs: readonly Seq[]): Promise<readonly Commit<AnyFact>[]> {
  const commits: Commit<AnyFact>[] = []
  for (const seq of seqs) commits.push(await readOne(log, seq))
  return commits
}

async function readOne(log: Source, seq: Seq): Promise<Commit<AnyFact>> {
  for await (const commit of log.read({ from: seq, to: seq })) return commit
  throw new Error(`chronet defect: #${seq} was found and is not there`)
}

/** Where a commit names something. */
const NAMED =
  /"(?:endpoint|gateway6?|network|ns|sandbox)":"([0-9a-f]{64})"|(?:endpoint|network|sandbox)\/([0-9a-f]{64})/g
const BIRTH = /"type":"(?:EndpointReserved|NetworkCreateRequested|SandboxCreateRequested)"/

/** Names of all that the commits speak of. What is gone is looked for in the log, up to the last of them. */
async function namesIn(
  log: Source,
  commits: readonly Commit<AnyFact>[],
  nameOf: (id: string) => string | undefined,
): Promise<Trace['names']> {
  const ids = new Set<string>()
  for (const { facts } of commits)
    for (const [, one, other] of JSON.stringify(facts).matchAll(NAMED)) ids.add(one ?? other ?? '')
  const names = new Map<string, string>()
  const note = ({ facts }: Commit<AnyFact>): void => {
    for (const fact of facts) {
      const named = namedBy(fact)
      if (named && ids.has(named[0])) names.set(...named)
    }
  }
  commits.forEach(note)
  for (const id of ids) {
    const name = names.get(id) ?? nameOf(id)
    if (name !== undefined) names.set(id, name)
  }
  const missing = [...ids].filter((id) => !names.has(id))
  if (missing.length === 0) return inText(names)
  const someone = literally(missing)
  const to = commits.at(-1)?.seq
  for await (const seq of log.find((text) => BIRTH.test(text) && someone.test(text), { to })) {
    note(await readOne(log, seq))
    if (missing.every((id) => names.has(id))) break
  }
  return inText(names)
}

const inText = (names: ReadonlyMap<string, string>): Trace['names'] =>
  Object.fromEntries([...names].sort(([a], [b]) => (a < b ? -1 : 1)))

const plain = ({ kind, name = '', stream }: Follower): Subject => ({ kind, name, stream })

const neverWas = (ref: Ref) =>
  ({
    code: 'ERR_NOT_FOUND',
    message: `nothing is or was called '${ref}'; give a name, an id or its first characters, an address or a MAC`,
  }) as const
