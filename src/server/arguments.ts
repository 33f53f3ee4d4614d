/** What clients give to methods, checked field by field: what is known and sound is taken over, all that is wrong is told at once. */
import type { Problem } from '../../events/index.ts'
import { TEXT_CHARS_MAX } from '../../events/index.ts'
import { refuseIf } from '../../events/refuse.ts'
import { isObject } from './protocol.ts'

/** What is wrong with a value; undefined: nothing. */
export type Check = (value: unknown) => string | undefined

const UID_MAX = 0xffff_fffe

/** Text of bounded length that UTF-8 can carry. */
export const text: Check = (value) => {
  if (typeof value !== 'string') return 'must be text'
  if (value.length > TEXT_CHARS_MAX) return `has ${value.length} characters; at most ${TEXT_CHARS_MAX}`
  return /\p{Surrogate}/u.test(value) ? 'has half of a surrogate pair' : undefined
}

/** An id need not be a uuid, but it becomes a key of the store and a part of messages. */
export const commandId: Check = (value) =>
  typeof value === 'string' && /^[!-~]{1,128}$/.test(value)
    ? undefined
    : 'must be 1 to 128 printable characters of ASCII, without a space'

export const commitNumber: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) > 0 ? undefined : 'must be a whole number from 1'

export const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false')

export const moment: Check = (value) => (typeof value === 'number' ? undefined : text(value))

export const uid: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= UID_MAX
    ? undefined
    : `must be a whole number from 0 to ${UID_MAX}`

/** Gathers problems; what passes comes out with its fields in the order of `checks`. */
export class Checked {
  readonly #problems: Problem[] = []

  /** @throws {RefusedError} ERR_INVALID, with all that was found */
  done(): void {
    refuseIf(this.#problems)
  }

  /** The fields that are there; others are not looked at. */
  fields(name: string, given: unknown, checks: Readonly<Record<string, Check>>): Record<string, unknown> {
    if (!isObject(given)) {
      this.#add(name, 'must be an object')
      return {}
    }
    const sound: Record<string, unknown> = {}
    for (const [field, check] of Object.entries(checks)) {
      if (given[field] === undefined) continue
      this.value(`${name}.${field}`, given[field], check)
      sound[field] = given[field]
    }
    return sound
  }

  value(name: string, given: unknown, check: Check): void {
    const wrong = check(given)
    if (wrong !== undefined) this.#add(name, wrong)
  }

  #add(field: string, wrong: string): void {
    this.#problems.push({ code: 'ERR_INVALID', field, message: `${field} ${wrong}` })
  }
}
