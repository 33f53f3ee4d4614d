/**
 * Compare and set: a subject gets its next message only behind the one that was seen. What nobody answered is asked again, with the
 * same id and the same expectation, and then looked up: only a message that was taken is a grant.
 */
import { EngineError } from '../../../events/index.ts'
import type { Bus, BusMessage, Outgoing } from '../../bus/bus.ts'

/**
 * What came of it. `refused`: `last` is there instead (undefined: nothing is). `full`: the stream takes no more.
 */
export type Put =
  | { readonly kind: 'full'; readonly why: string }
  | { readonly kind: 'refused'; readonly last: BusMessage | undefined }
  | { readonly kind: 'stored'; readonly seq: number }

/** How often a message is published whose outcome nobody knows. */
const ATTEMPTS = 2
/** Pauses before one is published again that was refused for a message which cannot be read yet, in milliseconds. */
const PAUSES_MS = [5, 10, 20, 40, 80, 160, 320] as const

/**
 * @param expect number of the subject's last message; 0: it has none
 * @param pause some milliseconds
 * @throws {EngineError} ERR_CLUSTER_UNAVAILABLE: nobody answers. It may be stored all the same, now or later
 */
export async function put(
  bus: Bus,
  message: Outgoing,
  expect: number,
  pause: (ms: number) => Promise<void>,
): Promise<Put> {
  let [unknown, refused] = [0, 0]
  for (;;) {
    const outcome = await bus.publish(message, expect)
    if (outcome.kind === 'stored') return outcome
    if (outcome.kind === 'unknown' && ++unknown < ATTEMPTS) continue
    const last = await bus.last(message.subject)
    if (last?.id === message.id) return { kind: 'stored', seq: last.seq }
    if ((last?.seq ?? 0) !== expect) return { kind: 'refused', last }
    if (outcome.kind === 'unknown') throw unavailable(outcome.why)
    // Three servers refuse all but one of those who race before they have stored that one (measured on 2.15).
    const pauseMs = PAUSES_MS[refused++]
    if (pauseMs === undefined) return { kind: 'full', why: outcome.why }
    await pause(pauseMs)
  }
}

const unavailable = (why: string): EngineError =>
  new EngineError(
    'ERR_CLUSTER_UNAVAILABLE',
    `the cluster's servers do not say whether they took a claim (${why}); what is local goes on`,
  )
