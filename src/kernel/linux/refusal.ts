/**
 * What the kernel refuses, as an exception inside `linux/` only: at the edge, `index.ts` makes a step's failure of it.
 */
import type { ResourceKey, StepFailure } from '../../../events/index.ts'
import { EEXIST, EOPNOTSUPP, errnoClass, errnoName } from '../errno.ts'
import { NetlinkError, type Answer } from './netlink.ts'
import { WorkerError } from './netns.ts'

/** A step cannot be done. `code` is an errno's name. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Throws what the kernel said, unless it said yes, or one of `fine` (errnos). Returns the answer. */
export function demand(answer: Answer | undefined, what: string, ...fine: readonly number[]): Answer {
  if (answer === undefined) throw new Refusal('ENOMSG', `${what}: no answer`)
  if (answer.errno === 0 || fine.includes(answer.errno)) return answer
  const code = errnoName(answer.errno)
  throw new Refusal(code, `${what}: ${answer.message}${answer.message === code ? '' : ` (${code})`}`)
}

/**
 * As {@link demand} for the birth of a link; EEXIST is fine. A kernel that does not know its type says EOPNOTSUPP, and has
 * tried to load the module by then (rtnl_newlink).
 */
export function demandBirth(answer: Answer | undefined, kind: 'bridge' | 'veth', name: string): Answer {
  if (answer?.errno !== EOPNOTSUPP) return demand(answer, `create ${kind} ${name}`, EEXIST)
  throw new Refusal(
    'EOPNOTSUPP',
    `create ${kind} ${name}: this kernel has no links of type ${kind} (EOPNOTSUPP: ${answer.message}); ` +
      `load the module: modprobe ${kind}, or run a kernel that has it`,
  )
}

/** What a thrown thing means for the step under `key`. What is not the kernel's refusal is a defect and goes on. */
export function failureOf(key: ResourceKey, error: unknown): StepFailure {
  if (error instanceof Refusal || error instanceof NetlinkError || error instanceof WorkerError)
    return { class: errnoClass(error.code), code: error.code, key, message: error.message }
  throw error
}
