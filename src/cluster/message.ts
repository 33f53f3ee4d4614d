/**
 * What goes over the bus: runs of commits of one host, as its log has them, byte for byte.
 *
 * Subject `chronet.log.<origin>`. The payload is NDJSON (`application/x-ndjson`): a commit a line, in canonical JSON, without an end
 * of line after the last. A commit that is too large alone comes in parts of its bytes. Headers tell what is in it:
 *
 * | header                             | value                                                              |
 * | ---------------------------------- | ------------------------------------------------------------------ |
 * | `Nats-Msg-Id`                      | `<origin>:<to>:<12 digits of hash>`, of a part `+<offset>` behind it |
 * | `chronet-from`, `chronet-to`       | numbers of the first and last commit                               |
 * | `chronet-host`                     | what the host is called; other hosts take no name that is in use   |
 * | `chronet-hash`                     | SHA-256 of the last commit's bytes: what its successor names       |
 * | `chronet-offset`, `chronet-size`   | of a part: where it begins, and how long the commit is, in bytes   |
 * | `ce-*`, `content-type`             | CloudEvents 1.0: id, source, type `chronet.commits.v1`, time        |
 *
 * So any NATS subscriber can read them: each line is complete, and names its predecessor's hash.
 */
import type { Origin, RawCommit, Seq } from '../../events/index.ts'
import type { BusMessage, Outgoing } from '../bus/bus.ts'

/** The stream of all hosts' logs. */
export const LOG_STREAM = { name: 'CHRONET_LOG', subjects: 'chronet.log.*' } as const

const SUBJECT = 'chronet.log.'
/** Digits of a commit's hash that are in the id of its message. */
const ID_CHARS = 12
const TYPE = 'chronet.commits.v1'

/** Largest payload in bytes, and the part of the server's maximum that it may be. */
const PAYLOAD_MAX = 256 << 10
const SERVER_SHARE = 0.5

/** Bytes that a payload may have on a server. */
export const payloadMaxOf = (serverMax: number): number =>
  Math.min(PAYLOAD_MAX, Math.floor(serverMax * SERVER_SHARE))

export const subjectOf = (origin: Origin): string => SUBJECT + origin

/** Whose log a subject is of; undefined: it is none. */
export const originOf = (subject: string): Origin | undefined =>
  /^chronet\.log\.[0-9a-f]{64}$/.test(subject) ? (subject.slice(SUBJECT.length) as Origin) : undefined

/** What a message says of itself. `part`: it holds these bytes of the one commit. */
export type RunHead = {
  readonly from: Seq
  readonly hash: string
  readonly part?: { readonly end: number; readonly offset: number; readonly size: number }
  readonly to: Seq
}

/** The last commit that is there whole with a message: of a part that others follow, the one before. */
export const wholeTo = ({ part, to }: RunHead): Seq =>
  part !== undefined && part.end < part.size ? ((to - 1) as Seq) : to

/** The head of a message; undefined: it is no run of commits. */
export function headIn({ headers, payload }: BusMessage): RunHead | undefined {
  const [from, to, offset, size] = ['from', 'to', 'offset', 'size'].map((name) => {
    const text = headers[`chronet-${name}`]
    return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
  })
  const hash = headers['chronet-hash']
  if (from === undefined || to === undefined || hash === undefined || from < 1 || to < from) return undefined
  const head = { from: from as Seq, hash, to: to as Seq }
  if (offset === undefined || size === undefined) return head
  return { ...head, part: { end: offset + payload.length, offset, size } }
}

/** A message that says what its host is called. */
export const named = (message: Outgoing, host: string): Outgoing => ({
  ...message,
  headers: { ...message.headers, 'chronet-host': host },
})

/** What a message says that its host is called; undefined: nothing, as those of older versions. */
export const hostIn = ({ headers }: BusMessage): string | undefined => headers['chronet-host']

/** The commits' texts in a whole message's payload. */
export const bodiesIn = (payload: Uint8Array): readonly string[] =>
  Buffer.from(payload).toString().split('\n')

/** The message that begins with a commit: as many of the commits as go in. @returns how many, too */
export function nextRun(
  commits: readonly [RawCommit, ...RawCommit[]],
  payloadMax: number,
): { readonly count: number; readonly message: Outgoing } {
  const [first] = commits
  let bytes = Buffer.byteLength(first.body)
  let count = 1
  for (; count < commits.length; count++) {
    const next = Buffer.byteLength(commits[count]?.body ?? '') + 1
    if (bytes + next > payloadMax) break
    bytes += next
  }
  const run = commits.slice(0, count)
  const payload = Buffer.from(run.map(({ body }) => body).join('\n'))
  return { count, message: messageOf(first, run.at(-1) ?? first, payload) }
}

/** Whether a commit goes into no message whole. */
export const isTooLarge = ({ body }: RawCommit, payloadMax: number): boolean =>
  body.length * 3 > payloadMax && Buffer.byteLength(body) > payloadMax

/** The part of a large commit that begins at a byte. */
export function nextPart(commit: RawCommit, offset: number, payloadMax: number): Outgoing {
  const whole = Buffer.from(commit.body)
  return messageOf(commit, commit, whole.subarray(offset, offset + payloadMax), {
    offset,
    size: whole.length,
  })
}

function messageOf(
  first: RawCommit,
  last: RawCommit,
  payload: Uint8Array,
  part?: { readonly offset: number; readonly size: number },
): Outgoing {
  const { at, origin } = last.commit
  // The hash is in it: servers take for a repetition what has the same id, and two histories that bear one name have the same numbers.
  const id = `${origin}:${last.seq}:${last.hash.slice(0, ID_CHARS)}${part === undefined ? '' : `+${part.offset}`}`
  return {
    headers: {
      'ce-id': id,
      'ce-source': `chronet:${origin}`,
      'ce-specversion': '1.0',
      'ce-time': at,
      'ce-type': TYPE,
      'chronet-from': String(first.seq),
      'chronet-hash': last.hash,
      'chronet-to': String(last.seq),
      ...(part === undefined
        ? {}
        : { 'chronet-offset': String(part.offset), 'chronet-size': String(part.size) }),
      'content-type': 'application/x-ndjson',
    },
    id,
    payload,
    subject: subjectOf(origin),
  }
}
