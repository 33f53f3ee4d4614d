/**
 * What the kernel refuses, as an exception inside `linux/` only: at the edge, `index.ts` makes a step's failure of it.
 */
import type { ResourceKey, StepFailure } from '../../../events/index.ts'
import { errnoClass, errnoName } from '../errno.ts'
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

/** What a thrown thing means for the step under `key`. What is not the kernel's refusal is a defect and goes on. */
export function failureOf(key: ResourceKey, error: unknown): StepFailure {
  if (error instanceof Refusal || error instanceof NetlinkError || error instanceof WorkerError)
    return { class: errnoClass(error.code), code: error.code, key, message: error.message }
  throw error
}
