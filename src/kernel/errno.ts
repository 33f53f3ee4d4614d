/**
 * Error numbers of the kernel, named and classed once. What a class means stands at `StepFailure` in
 * `events/specs.ts`: `conflict`, somebody else holds it; `retry`, it may pass; `fatal`, it will not.
 */
import { constants } from 'node:os'
import type { StepFailure } from '../../events/index.ts'

/** Errno as a positive number, by name (asm-generic/errno.h). Only what the code compares with. */
export const EPERM = 1
export const ENOENT = 2
export const ESRCH = 3
export const EINTR = 4
export const EACCES = 13
export const EBUSY = 16
export const EEXIST = 17
export const ENODEV = 19
export const EINVAL = 22
export const EOPNOTSUPP = 95
export const EAFNOSUPPORT = 97
export const EADDRNOTAVAIL = 99
export const ENETDOWN = 100
export const ENOBUFS = 105

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno)
    // Two names of one number: the kernel's text says EAGAIN.
    .filter(([name]) => name !== 'EWOULDBLOCK')
    .map(([name, errno]) => [errno, name]),
)

/** Not in the C library's list, but nf_tables says it when somebody else changed the ruleset in between. */
export const ERESTART = 85

/** The name of an errno: `EEXIST` for 17; `E4711` for one that nobody knows. */
export const errnoName = (errno: number): string =>
  errno === ERESTART ? 'ERESTART' : (NAMES.get(errno) ?? `E${errno}`)

const CONFLICTS = new Set(['EADDRINUSE', 'EEXIST', 'ENOTUNIQ'])
const PASSING = new Set([
  'EAGAIN',
  'EBUSY',
  'EHOSTUNREACH',
  'EINTR',
  'EMFILE',
  'ENETDOWN',
  'ENETUNREACH',
  'ENFILE',
  'ENOBUFS',
  'ENODEV',
  'ENOENT',
  'ENOMEM',
  'ERESTART',
  'ESTALE',
  'ETIMEDOUT',
])

/** The class of a failure with this errno name. What lacks (ENODEV, ENOENT) may come back, so it counts as `retry`. */
export function errnoClass(code: string): StepFailure['class'] {
  if (CONFLICTS.has(code)) return 'conflict'
  return PASSING.has(code) ? 'retry' : 'fatal'
}
