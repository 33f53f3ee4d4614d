/**
 * Who gives a command, for the log: what the kernel says of this process, and what the environment claims (sudo sets SUDO_USER
 * and SUDO_UID; anybody may). The login uid stays the same through `su` and `sudo` (proc(5)).
 */
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Actor } from '../../events/index.ts'

/** (uid_t)-1: nobody logged in. */
const NO_LOGIN = 0xffff_ffff

/** This process. Keys are in alphabetical order: it goes into the log. */
export function ownActor(env: NodeJS.ProcessEnv): Actor & { readonly kind: 'cli' } {
  const claimed = claimedIn(env)
  const uid = process.getuid?.()
  const loginUid = ownLoginUid()
  return {
    ...(Object.keys(claimed).length === 0 ? {} : { claimed }),
    kind: 'cli',
    ...(uid === undefined
      ? {}
      : { verified: { ...(loginUid === undefined ? {} : { loginUid }), pid: process.pid, uid } }),
  }
}

function claimedIn({
  SUDO_UID: uid = '',
  SUDO_USER: user = '',
}: NodeJS.ProcessEnv): NonNullable<Actor['claimed']> {
  const name = ownName()
  const sudoUid = /^\d{1,10}$/.test(uid) ? Number(uid) : undefined
  return {
    ...(name === undefined ? {} : { name }),
    ...(user === '' || sudoUid === undefined ? {} : { sudoUid }),
    ...(user === '' ? {} : { sudoUser: user.slice(0, 256) }),
  }
}

/** As the system's user database names our uid; undefined: it has no name there. */
function ownName(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}

function ownLoginUid(): number | undefined {
  try {
    const uid = Number(readFileSync('/proc/self/loginuid', 'utf8'))
    return Number.isSafeInteger(uid) && uid !== NO_LOGIN ? uid : undefined
  } catch {
    return undefined
  }
}
